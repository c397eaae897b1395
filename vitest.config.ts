import { defineConfig } from 'vitest/config'

const MINUTE = 60_000

/** Projects that start services or lay out roots: one file at a time, after the groups before them. */
function heavy(name: string, groupOrder: number, testTimeout: number) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout,
      hookTimeout: 5 * MINUTE,
      maxWorkers: 1,
      sequence: { groupOrder },
    },
  }
}

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'bench/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/test/faults/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      // Processes that hang and die: they wait more than they work, so two files at a time.
      {
        test: {
          name: 'faults',
          include: ['packages/*/test/faults/**/*.test.ts', 'services/*/test/faults/**/*.test.ts'],
          testTimeout: 2 * MINUTE,
          maxWorkers: 2,
          sequence: { groupOrder: 6 },
        },
      },
      heavy('parity', 1, 5 * MINUTE),
      heavy('integration', 2, 5 * MINUTE),
      heavy('installers', 3, 10 * MINUTE),
      heavy('bundle', 4, 5 * MINUTE),
      heavy('compose', 5, 10 * MINUTE),
    ],
  },
})
