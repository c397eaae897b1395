import type { ByteString } from './byte-string.ts'

/** In the order of their numbers, linux/capability.h. */
const names =
  `chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
  net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin
  sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override
  mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`.split(/\s+/)

const numbers = new Map(names.map((name, number) => [`cap_${name}`, BigInt(number)]))
const allCapabilities = (1n << BigInt(names.length)) - 1n

interface CapabilitySets {
  e: bigint
  i: bigint
  p: bigint
}

const REVISION_2 = 0x02000000
const EFFECTIVE = 1

/**
 * Capabilities in text (`cap_net_raw,cap_net_admin=ep`, `= cap_kill+ep`, `=`) → the value of `security.capability` as the
 * kernel keeps it (vfs_cap_data, revision 2, 20 bytes, little-endian). undefined where libcap or the kernel would refuse the text.
 * Source: cap_from_text(3), capabilities(7), linux/capability.h.
 */
export function encodeCapabilities(text: ByteString): ByteString | undefined {
  const sets: CapabilitySets = { e: 0n, i: 0n, p: 0n }
  for (const clause of text.split(/\s+/).filter(Boolean)) if (!applyClause(sets, clause)) return undefined
  // A file has one effective bit for all its capabilities.
  if (sets.e !== 0n && sets.e !== (sets.i | sets.p)) return undefined
  const value = Buffer.alloc(20)
  value.writeUInt32LE(REVISION_2 | (sets.e === 0n ? 0 : EFFECTIVE), 0)
  value.writeUInt32LE(Number(sets.p & 0xffffffffn), 4)
  value.writeUInt32LE(Number(sets.i & 0xffffffffn), 8)
  value.writeUInt32LE(Number(sets.p >> 32n), 12)
  value.writeUInt32LE(Number(sets.i >> 32n), 16)
  return value.toString('latin1')
}

function applyClause(sets: CapabilitySets, clause: string): boolean {
  const match = /^([A-Za-z0-9_,]*)((?:[=+-][eip]*)+)$/.exec(clause)
  if (!match) return false
  const [, list = '', actions = ''] = match
  const capabilities = capabilityBits(list)
  if (capabilities === undefined) return false
  // Without names only `=` makes sense: it stands for all.
  if (list === '' && !actions.startsWith('=')) return false
  for (const [, operator, flags = ''] of actions.matchAll(/([=+-])([eip]*)/g)) {
    if (operator === '=') for (const set of ['e', 'i', 'p'] as const) sets[set] &= ~capabilities
    for (const set of flags as Iterable<'e' | 'i' | 'p'>) {
      if (operator === '-') sets[set] &= ~capabilities
      else sets[set] |= capabilities
    }
  }
  return true
}

function capabilityBits(list: string): bigint | undefined {
  if (list === '' || list.toLowerCase() === 'all') return allCapabilities
  let bits = 0n
  for (const name of list.toLowerCase().split(',')) {
    const number = numbers.get(name) ?? (/^\d+$/.test(name) && Number(name) < 64 ? BigInt(name) : undefined)
    if (number === undefined) return undefined
    bits |= 1n << number
  }
  return bits
}
