// Mutates packages and reads them: pnpm fuzz [--cases N] [--seconds N] [--seed S] [--only CASE] [--processes N]
// A finding is a crash, an error without a code, a case over 5 s or 256 MB, or a verdict that depends on chunking.
// Says how far it is every 10,000 cases, and what it has when it is interrupted (exit status 130 or 143).
// Its package is saved in fuzz/findings/<seed>-<case>.rpm and can be run again with --seed S --only CASE.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBases } from './bases.ts'
import { makeCase } from './case.ts'
import type { Message, Order } from './worker.ts'

const caseLimitMs = 5_000
const memoryLimit = 256 * 1024 * 1024
const batchSize = 500
const progressEvery = 10_000
const findingsFolder = join(import.meta.dirname, 'findings')

const { values } = parseArgs({
  options: {
    cases: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    processes: { type: 'string', default: '2' },
  },
})
const seed = Number(values.seed)
const first = values.only === undefined ? 0 : Number(values.only)
const last =
  values.only !== undefined ? first + 1 : values.cases === undefined ? Number.POSITIVE_INFINITY : Number(values.cases)
const seconds =
  values.seconds === undefined
    ? values.cases === undefined && values.only === undefined
      ? 60
      : Number.POSITIVE_INFINITY
    : Number(values.seconds)
const deadline = Date.now() + seconds * 1000

const bases = await loadBases()
const verdicts = new Map<string, number>()
const findings: string[] = []
/** Cases in which a process grew beyond the limit: with what earlier ones left it, or by themselves. */
const greedy = new Set<number>()
/** Cases that gave no answer in time: by themselves, or because the machine had other work. */
const late = new Set<number>()
let next = first
let peakMemory = 0
let judged = 0
const started = Date.now()
const children = new Set<ChildProcess>()

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.once(signal, () => {
    for (const child of children) child.kill('SIGKILL')
    printTotals()
    const suspects = new Set([...greedy, ...late])
    if (suspects.size > 0) console.log(`not judged alone: cases ${[...suspects].join(', ')}`)
    process.exit(128 + number)
  })
}

await Promise.all(Array.from({ length: Math.min(Number(values.processes), last - first) }, runProcess))

for (const number of new Set([...greedy, ...late])) await judgeAlone(number)

printTotals()
process.exitCode = findings.length > 0 ? 1 : 0

function printTotals(): void {
  for (const [verdict, count] of [...verdicts].toSorted((a, b) => b[1] - a[1]))
    console.log(`${String(count).padStart(8)}  ${verdict}`)
  console.log(summary())
}

function summary(): string {
  const took = ((Date.now() - started) / 1000).toFixed(0)
  const peak = (peakMemory / 1048576).toFixed(0)
  return `${judged} cases, seed ${seed}, ${took} s, peak memory of a process ${peak} MB, ${findings.length} findings`
}

function count(verdict: string): void {
  verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
  if (++judged % progressEvery === 0) console.error(summary())
}

/** A suspect once more, in a process of its own: what it does again is a finding. */
async function judgeAlone(number: number): Promise<void> {
  greedy.clear()
  late.clear()
  const alone = await start()
  await runBatch(alone, { seed, from: number, to: number + 1 })
  alone.kill('SIGKILL')
  if (late.has(number)) report(number, `no answer in ${caseLimitMs} ms`)
  if (greedy.has(number)) report(number, `more than ${memoryLimit / 1048576} MB`)
}

/** Batches until there are no more; a process that hangs or dies is replaced and goes on behind the case that did it. */
async function runProcess(): Promise<void> {
  let child = await start()
  while (next < last && Date.now() < deadline) {
    let from = next
    const to = Math.min(next + batchSize, last)
    next = to
    while (from < to) {
      const stuck = await runBatch(child, { seed, from, to })
      if (stuck === undefined) break
      child.kill('SIGKILL')
      child = await start()
      from = stuck + 1
    }
  }
  child.disconnect()
}

/** The case that the process did not come back from, if any. */
function runBatch(child: ChildProcess, order: Order): Promise<number | undefined> {
  return new Promise(resolve => {
    let current = order.from
    let timer = setTimeout(() => {}, 0)
    const finish = (stuck?: number) => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      resolve(stuck)
    }
    const onMessage = (message: Message) => {
      if (message.kind === 'start') {
        current = message.number
        clearTimeout(timer)
        timer = setTimeout(() => {
          late.add(current)
          finish(current)
        }, caseLimitMs)
      } else if (message.kind === 'passed') {
        count(message.verdict)
      } else if (message.kind === 'failed') {
        count('FAILED')
        report(message.number, message.error)
      } else if (message.kind === 'done') {
        finish()
      } else if (message.kind === 'grew') {
        if (message.peakMemory > memoryLimit) greedy.add(message.number)
        peakMemory = Math.max(peakMemory, message.peakMemory)
      }
    }
    const onExit = (code: number | null, signal: string | null) => {
      report(current, `the process ended with ${signal ?? code}`)
      finish(current)
    }
    child.on('message', onMessage)
    child.on('exit', onExit)
    child.send(order)
  })
}

function start(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'worker.ts'), { execArgv: ['--max-old-space-size=256', '--expose-gc'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve(child))
    child.once('exit', code => reject(new Error(`a worker ended with ${code} before it began`)))
  })
}

function report(number: number, error: string): void {
  const { name, bytes } = makeCase(bases, seed, number)
  mkdirSync(findingsFolder, { recursive: true })
  const file = join(findingsFolder, `${seed}-${number}.rpm`)
  writeFileSync(file, bytes)
  findings.push(file)
  console.error(
    `case ${number} (${name}): ${error}\n  saved as ${file}; again: pnpm fuzz --seed ${seed} --only ${number}`,
  )
}
