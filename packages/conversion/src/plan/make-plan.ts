import { archRank, canonicalArch } from '../catalog/arch.ts'
import { type CatalogEntry, keyOf } from '../catalog/entry.ts'
import { type Goal, GoalMaker } from './goals.ts'
import { installationOrder } from './order.ts'
import { Weight } from './package-relations.ts'
import { type Solution, solve } from './solve.ts'
import type { Unresolved } from './types.ts'
import type { Offer, Universe } from './universe.ts'

/** Packages found by the names that were asked for. */
export interface Wanted {
  /** As asked. */
  name: string
  /** keyOf() of the entry it stands for. */
  key: string
  /** The name alone: any version that was asked for elsewhere will do. */
  isNameOnly: boolean
}

export interface PlannedPackage {
  entry: CatalogEntry
  requested: boolean
  when: string | undefined
}

export interface PlannedPackages {
  /** In order of installation. */
  packages: PlannedPackage[]
  unresolved: Unresolved[]
}

/** What to install so that the wanted packages work on a machine of that arch. */
export function makePlan(universe: Universe, wanted: readonly Wanted[], arch: string): PlannedPackages {
  const maker = new GoalMaker(universe, canonicalArch(arch))
  const goals = wantedGoals(universe, wanted, arch)
  const solution = solve(universe, maker, goals)
  const conditional = conditionalOffers(universe, maker, goals, solution)
  const chosen = [...solution.chosen, ...conditional.keys()]
  const requested = new Set(goals.flatMap(goal => goal.any))
  return {
    packages: installationOrder(chosen, maker).map(offer => ({
      entry: offer.entry,
      requested: requested.has(offer),
      when: conditional.get(offer),
    })),
    unresolved: unresolvedOf(maker, solution, new Set(chosen)),
  }
}

function wantedGoals(universe: Universe, wanted: readonly Wanted[], arch: string): Goal[] {
  const byKey = new Map(universe.offers.map(offer => [keyOf(offer.entry), offer]))
  const offers = wanted.map(({ key }) => byKey.get(key))
  const pinned = new Set(wanted.flatMap(({ isNameOnly }, i) => (isNameOnly ? [] : [offers[i]?.entry.name])))
  const goals = wanted.map(({ name, isNameOnly }, i): Goal => {
    const offer = offers[i]
    // `foo` beside `foo-1.0-1` means that very one.
    const isSaidElsewhere = isNameOnly && offer !== undefined && pinned.has(offer.entry.name)
    return {
      owner: undefined,
      requirement: { text: name, weight: Weight.ordinary, formula: undefined },
      any: offer && !isSaidElsewhere && archRank(offer.entry.arch, arch) !== undefined ? [offer] : [],
      also: [],
      given: [],
      external: undefined,
      when: undefined,
    }
  })
  return goals.filter(({ any }) => any.length > 0)
}

/** What a node needs besides if it has something that the plan knows nothing of. */
function conditionalOffers(
  universe: Universe,
  maker: GoalMaker,
  goals: readonly Goal[],
  { chosen, goals: all }: Solution,
): Map<Offer, string> {
  const extra = new Map<Offer, string>()
  const present = new Set(chosen)
  for (const goal of all) {
    if (
      goal.when === undefined ||
      goal.any.length === 0 ||
      [...goal.any, ...goal.also].some(offer => present.has(offer))
    )
      continue
    const solution = solve(universe, maker, [...goals, ...fixed(present), { ...goal, owner: undefined, given: [] }])
    const isWorkable = solution.abandoned.length === 0 && chosen.every(offer => solution.chosen.includes(offer))
    if (!isWorkable) continue
    for (const offer of solution.chosen) {
      if (present.has(offer)) continue
      extra.set(offer, goal.when)
      present.add(offer)
    }
  }
  return extra
}

function fixed(offers: Iterable<Offer>): Goal[] {
  return [...offers].map(offer => ({
    owner: undefined,
    requirement: { text: offer.entry.nevra, weight: Weight.ordinary, formula: undefined },
    any: [offer],
    also: [],
    given: [],
    external: undefined,
    when: undefined,
  }))
}

/** What stays open, each requirement of each package once. */
function unresolvedOf(maker: GoalMaker, solution: Solution, chosen: ReadonlySet<Offer>): Unresolved[] {
  const found = new Map<string, Unresolved>()
  const note = ({ owner, requirement }: Goal, reason: Unresolved['reason']) => {
    const requiredBy = owner?.entry.nevra ?? ''
    found.set(`${requirement.text}\0${requiredBy}`, { requirement: requirement.text, requiredBy, reason })
  }
  for (const goal of solution.abandoned) if (!goal.owner || chosen.has(goal.owner)) note(goal, 'conflict')
  for (const owner of chosen) {
    for (const goal of maker.goalsOf(owner)) {
      const isFulfilled = [...goal.any, ...goal.also].some(offer => chosen.has(offer))
      const isActive = goal.given.every(set => set.some(offer => chosen.has(offer)))
      if (!isFulfilled && isActive && goal.any.length === 0 && goal.external) note(goal, goal.external)
    }
  }
  return [...found.values()]
}
