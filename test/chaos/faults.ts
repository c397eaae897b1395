import { closeSync, openSync, rmSync, statfsSync, statSync, truncateSync, unlinkSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Installation, Victim } from './installation.ts'
import type { Package } from './packages.ts'
import type { Seeded } from './seeded.ts'

export interface Scene {
  installation: Installation
  packages: readonly Package[]
  random: Seeded
  /** Packages that a fault holds right now. */
  held: Set<Package>
  /** Stored TARs that were damaged here: path → inode and mtime, to tell them from those made again. */
  damaged: Map<string, string>
}

/** Does one thing wrong, and puts right again what a person would; false when there was nothing to do it to. */
type Fault = (scene: Scene) => Promise<boolean>

export const FAULTS: Readonly<Record<string, { weight: number; run: Fault }>> = {
  'converter killed': { weight: 5, run: scene => end(scene, scene.installation.converters, 'SIGKILL') },
  'converter stopped': { weight: 2, run: scene => end(scene, scene.installation.converters, 'SIGTERM') },
  'converter hangs': { weight: 2, run: scene => hang(scene, scene.installation.converters, 20_000) },
  'API killed': { weight: 3, run: scene => end(scene, scene.installation.apis, 'SIGKILL') },
  'API stopped': { weight: 2, run: scene => end(scene, scene.installation.apis, 'SIGTERM') },
  'API hangs': { weight: 1, run: scene => hang(scene, scene.installation.apis, 5000) },
  'Redis restarted empty': { weight: 2, run: scene => interruptRedis(scene, 'lost') },
  'Redis restarted with its data': { weight: 2, run: scene => interruptRedis(scene, 'kept') },
  'Redis hangs': { weight: 2, run: hangRedis },
  'disk full': { weight: 2, run: fillDisk },
  'RPM replaced': { weight: 4, run: scene => onPackage(scene, replace) },
  'RPM deleted': { weight: 2, run: scene => onPackage(scene, deleteForAWhile) },
  'RPM half-copied': { weight: 2, run: scene => onPackage(scene, copySlowly) },
  'cached TAR truncated': { weight: 3, run: truncateTar },
  'cached meta.json deleted': { weight: 1, run: deleteMeta },
}

async function end({ installation, random }: Scene, victims: readonly Victim[], how: 'SIGKILL' | 'SIGTERM') {
  const victim = installation.idle(victims, random)
  if (victim === undefined) return false
  victim.busy = true
  try {
    const { service } = victim
    if (how === 'SIGKILL') await service.process.kill()
    else await service.process.stop(30)
    await delay(random.between(0, 3000))
    await service.start()
  } finally {
    victim.busy = false
  }
  return true
}

/** For longer than a converter's lock on its job lasts, at times: another one takes the job, and both end it. */
async function hang({ installation, random }: Scene, victims: readonly Victim[], longestMs: number) {
  const victim = installation.idle(victims, random)
  if (victim === undefined) return false
  victim.busy = true
  try {
    victim.service.process.signal('SIGSTOP')
    await delay(random.between(500, longestMs))
  } finally {
    victim.service.process.signal('SIGCONT')
    victim.busy = false
  }
  return true
}

async function hangRedis({ installation, random }: Scene) {
  if (installation.redisBusy) return false
  installation.redisBusy = true
  try {
    installation.redis.pause()
    await delay(random.between(500, 8000))
  } finally {
    installation.redis.resume()
    installation.redisBusy = false
  }
  return true
}

/** Somebody else's file takes all that is left beside the cache. */
async function fillDisk({ installation, random }: Scene) {
  if (!installation.ownDisk) return false
  const { cache } = installation.head
  const filler = join(cache, `filler-${random.next()}`)
  try {
    const file = openSync(filler, 'w')
    try {
      const zeros = Buffer.alloc(4 * 1024 * 1024)
      for (let left = freeBytes(cache); left > 0; left = freeBytes(cache))
        writeSync(file, zeros, 0, Math.min(left, zeros.length))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
    await delay(random.between(500, 4000))
  } finally {
    rmSync(filler, { force: true })
  }
  return true
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

async function interruptRedis({ installation, random }: Scene, data: 'kept' | 'lost') {
  if (installation.redisBusy) return false
  installation.redisBusy = true
  try {
    await installation.redis.kill()
    if (data === 'lost') installation.redis.wipe()
    await delay(random.between(0, 5000))
    await installation.redis.start()
  } finally {
    installation.redisBusy = false
  }
  return true
}

async function onPackage(scene: Scene, fault: (wanted: Package, random: Seeded) => Promise<void>) {
  const free = scene.packages.filter(each => !scene.held.has(each))
  if (free.length === 0) return false
  const wanted = scene.random.pick(free)
  scene.held.add(wanted)
  try {
    await fault(wanted, scene.random)
  } finally {
    scene.held.delete(wanted)
  }
  return true
}

async function replace(wanted: Package): Promise<void> {
  wanted.place(wanted.current === 0 ? 1 : 0)
}

async function deleteForAWhile(wanted: Package, random: Seeded): Promise<void> {
  wanted.remove()
  await delay(random.between(500, 5000))
  wanted.place(random.pick([0, 1]))
}

async function copySlowly(wanted: Package, random: Seeded): Promise<void> {
  const version = wanted.current === 0 ? 1 : 0
  wanted.placeHalf(version)
  await delay(random.between(500, 4000))
  wanted.placeWhole(version)
}

/** In place, as a failing disk or a careless hand does it: running downloads of it break. */
async function truncateTar({ installation, random, damaged }: Scene): Promise<boolean> {
  const tars = installation.head.storedTars()
  if (tars.length === 0) return false
  const { path, size } = random.pick(tars)
  const length = Math.floor(size * random.next())
  return ifThere(() => {
    truncateSync(path, length)
    damaged.set(path, fingerprint(path))
  })
}

async function deleteMeta({ installation, random }: Scene): Promise<boolean> {
  const tars = installation.head.storedTars()
  if (tars.length === 0) return false
  const { path } = random.pick(tars)
  return ifThere(() => unlinkSync(join(dirname(path), 'meta.json')))
}

/** False when the TAR was evicted or made again at the same moment. */
function ifThere(damage: () => void): boolean {
  try {
    damage()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

export function fingerprint(path: string): string {
  const { ino, mtimeMs } = statSync(path)
  return `${ino} ${mtimeMs}`
}
