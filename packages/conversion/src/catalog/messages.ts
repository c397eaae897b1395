import type { StatIdentity } from '../identity.ts'
import type { PlannedPackages, Wanted } from '../plan/make-plan.ts'
import type { CatalogEntry, PackageType } from './entry.ts'
import type { Problem } from './folder-tree.ts'

/** What the inventory's thread is started with. */
export interface InventorySettings {
  folder: string
  stateFolder: string | undefined
  settleMs: number
  rescanMs: number
  concurrency: number
  /** Files that killed the reader, by key and identityText(): not to be looked at again. */
  poisoned: [key: string, identity: string][]
}

export interface PlanQuestion {
  type: PackageType
  arch: string
  wanted: Wanted[]
}

/** To the thread. */
export type Order =
  | { kind: 'refresh'; id: number }
  | { kind: 'plan'; id: number; question: PlanQuestion }
  | { kind: 'recheck'; key: string }
  | { kind: 'hashed'; key: string; identity: StatIdentity; sha256: string }
  | { kind: 'close'; id: number }

/** From the thread. */
export type Report =
  | { kind: 'changes'; changes: Change[] }
  | { kind: 'reading'; key: string; identity: string }
  | { kind: 'read'; key: string }
  | { kind: 'scanned'; at: number; readable: boolean }
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; plan?: PlannedPackages; error?: string }
  | { kind: 'log'; level: 'info' | 'warn'; message: string; facts: Record<string, unknown> }

export type Change =
  | { entry: CatalogEntry; sha256: string | undefined }
  | { unlisted: string }
  | { key: string; problem: Problem | undefined }
