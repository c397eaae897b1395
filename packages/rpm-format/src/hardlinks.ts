export interface LinkSetInput {
  count: number
  inodes: ArrayLike<number> | undefined
  /** Without FILEDEVICES there are no hardlinks at all: some writers number inodes but never make links. */
  devices: ArrayLike<number> | undefined
  /** Regular files that are no ghosts. */
  linkable: (index: number) => boolean
}

/** File index → index of its set's first member, for every file that shares its inode with another. */
export function linkSets({ count, inodes, devices, linkable }: LinkSetInput): Map<number, number> {
  const sets = new Map<number, number>()
  if (!inodes || !devices) return sets
  const first = new Map<number, number>()
  for (let k = 0; k < count; k++) {
    if (inodes[k] === 0 || !linkable(k)) continue
    // Almost always there is one device: small numbers, which cost no memory of their own.
    const inode = devices[k] === devices[0] ? inodes[k]! : -(devices[k]! * 2 ** 32 + inodes[k]! + 1)
    const earlier = first.get(inode)
    if (earlier === undefined) first.set(inode, k)
    else {
      sets.set(earlier, earlier)
      sets.set(k, earlier)
    }
  }
  return sets
}
