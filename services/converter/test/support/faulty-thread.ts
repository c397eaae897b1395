import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Conversion, type ConversionReport, convertRpm, type TarFormat } from '@diskful/conversion/thread'
import { RpmError } from 'rpm-format'
import { serveConversions } from '../../src/serve-conversions.ts'

// A conversion thread whose conversions go wrong on request: FAULTS maps compression levels (which tests use to tell
// jobs apart) to what happens. Every run is written down in FAULT_RUNS.

const faults = JSON.parse(process.env.FAULTS ?? '{}') as Record<string, string>
const runs = process.env.FAULT_RUNS ?? '/dev/null'

const convert: Conversion = (source, settings) => {
  appendFileSync(runs, `${settings.format} ${settings.level} ${process.pid}\n`)
  const [fault = '', argument = ''] = (faults[String(settings.level)] ?? '').split(':')
  if (fault === '') return convertRpm(source, settings)
  const bytes = faultyBytes(fault, argument, settings)
  return { report: Promise.resolve(report), [Symbol.asyncIterator]: () => bytes }
}

async function* faultyBytes(fault: string, argument: string, settings: { format: TarFormat; level: number }) {
  yield Buffer.from(`${settings.format} ${settings.level}\n`)
  switch (fault) {
    case 'slow':
      await sleep(Number(argument))
      return
    case 'steady':
      for (let ms = 0; ms < Number(argument); ms += 50) {
        await sleep(50)
        yield Buffer.from('.')
      }
      return
    case 'big':
      for (let written = 0; written < Number(argument); written += 65_536) yield Buffer.alloc(65_536, settings.level)
      return
    case 'hang':
      await new Promise(() => setInterval(() => {}, 1000))
      return
    case 'spin':
      for (;;) Math.random()
    case 'exit':
      process.exit(3)
      return
    case 'memory':
      for (const held: string[][] = []; ; )
        held.push(Array.from({ length: 100_000 }, (_, at) => `${at}${Math.random()}`))
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      await sleep(60_000)
      return
    case 'kill-once':
      if (existsSync(argument)) return
      writeFileSync(argument, '')
      process.kill(process.pid, 'SIGKILL')
      await sleep(60_000)
      return
    case 'reject':
      throw new RpmError('corrupt-compression', 'a fault for a test')
    case 'fail':
      throw new Error('the machine is broken')
    default:
      throw new Error(`no such fault: ${fault}`)
  }
}

const report: ConversionReport = {
  nevra: { name: 'faulty', epoch: undefined, version: '1', release: '1', arch: 'noarch' },
  checked: 'strong',
  signed: 'none',
  warnings: [],
}

await serveConversions(convert)
