/** The file is shorter than it says itself: still being copied, or a copy that broke off. */
export class LengthError extends Error {
  override readonly name = 'LengthError'
  readonly code = 'incomplete'
}

/** Its content is not what its name says. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
  readonly code = 'not-a-package'
}
