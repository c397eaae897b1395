/**
 * glibc takes memory of this process's largest freed size and more from the kernel piece by piece, gives it back piece by
 * piece, and each new page costs a fault: a tenth of a conversion. One large buffer, freed untouched, raises that size for
 * good (mallopt(3), M_MMAP_THRESHOLD). Where malloc is another one this does nothing.
 */
new ArrayBuffer(24 * 1024 * 1024).transfer(0)

/** Memory that only we use, and where in it the last chunk ends. */
const ours = new WeakMap<ArrayBufferLike, number>()

/**
 * Says that `chunk` lies in memory which nothing else uses, now or later, and that nothing in it follows the chunk.
 */
export function own<Chunk extends Uint8Array>(chunk: Chunk): Chunk {
  ours.set(chunk.buffer, chunk.byteOffset + chunk.length)
  return chunk
}

/**
 * Gives a chunk's memory back now. Waiting for the garbage collector costs tens of megabytes and the page faults of new
 * ones. Does nothing for a chunk that is not ours, or that is not the end of it.
 */
export function free(chunk: Uint8Array): void {
  if (ours.get(chunk.buffer) !== chunk.byteOffset + chunk.length) return
  ours.delete(chunk.buffer)
  ;(chunk.buffer as ArrayBuffer).transfer(0)
}
