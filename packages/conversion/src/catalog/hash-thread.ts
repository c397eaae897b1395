import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'

/** `fd` stays open until the answer; descriptors belong to the whole process. */
export interface HashOrder {
  id: number
  fd: number
}

export type HashAnswer = { id: number; sha256: string; size: number } | { id: number; error: unknown }

interface Task {
  id: number
  fd: number
  hash: Hash
  position: number
}

const buffer = Buffer.allocUnsafeSlow(1024 * 1024)
const tasks = new Set<Task>()

parentPort!.on('message', ({ id, fd }: HashOrder) => {
  tasks.add({ id, fd, hash: createHash('sha256'), position: 0 })
  if (tasks.size === 1) void work()
})

/** All by turns, a piece each: a small file does not wait for a large one. */
async function work(): Promise<void> {
  while (tasks.size > 0) {
    for (const task of tasks) advance(task)
    await turn()
  }
}

function advance(task: Task): void {
  const { id, fd, hash } = task
  let answer: HashAnswer
  try {
    const length = readSync(fd, buffer, 0, buffer.length, task.position)
    hash.update(buffer.subarray(0, length))
    task.position += length
    if (length > 0) return
    answer = { id, sha256: hash.digest('hex'), size: task.position }
  } catch (error) {
    answer = { id, error }
  }
  tasks.delete(task)
  parentPort!.postMessage(answer)
}
