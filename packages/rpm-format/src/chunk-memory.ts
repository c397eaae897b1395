/** Buffers that nobody shares: what lies in them can be freed at once. */
const ours = new WeakSet<ArrayBufferLike>()

/** Says that `chunk` lies in memory which nothing else uses, now or later. */
export function own<Chunk extends Uint8Array>(chunk: Chunk): Chunk {
  ours.add(chunk.buffer)
  return chunk
}

/**
 * Gives a chunk's memory back now. Waiting for the garbage collector costs tens of megabytes and the page faults of new
 * ones. Does nothing for a chunk that is not ours, or that is not the last piece of its memory.
 */
export function free(chunk: Uint8Array): void {
  if (chunk.byteOffset + chunk.length === chunk.buffer.byteLength && ours.delete(chunk.buffer)) {
    ;(chunk.buffer as ArrayBuffer).transfer(0)
  }
}
