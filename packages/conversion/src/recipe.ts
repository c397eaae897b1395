/**
 * Number of the bytes that a conversion makes. It is part of every conversion key and of the queue's name, so that a
 * release that writes other bytes for the same RPM never meets a TAR or a converter of an older one.
 * Raise it whenever test/recipe.test.ts says that the bytes changed.
 */
export const RECIPE = 4
