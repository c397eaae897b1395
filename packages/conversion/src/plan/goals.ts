import { archRank, canonicalArch } from '../catalog/arch.ts'
import { comparePreference } from '../catalog/name-index.ts'
import type { Formula } from './formula.ts'
import { isNodeSystem } from './node-system.ts'
import { type Relation, relationText } from './relation.ts'
import type { Requirement } from './requirement.ts'
import type { Offer, Universe } from './universe.ts'

/** One thing that must hold once its owner is chosen: one of `any` is chosen too, if each set in `given` has a chosen one. */
export interface Goal {
  /** undefined: asked for by the node. */
  owner: Offer | undefined
  requirement: Requirement
  /** In order of preference. */
  any: readonly Offer[]
  /** Fulfils it as well where it is chosen anyway, but is never chosen for its sake. */
  also: readonly Offer[]
  given: readonly (readonly Offer[])[]
  /** Why the node's own system may fulfil it too, where it may. */
  external: 'not-offered' | 'node-system' | undefined
  /** Holds only on a node that has this, which no package of the plan decides. */
  when: string | undefined
}

type Part = Pick<Goal, 'any' | 'also' | 'given' | 'external' | 'when'>

const NOTHING: Part = { any: [], also: [], given: [], external: undefined, when: undefined }

/** Beyond this many clauses a rich dependency is left to the node. */
const MOST_PARTS = 64

/** Turns requirements into goals for one machine. */
export class GoalMaker {
  readonly #universe: Universe
  readonly #arch: string
  readonly #goals = new Map<Offer, Goal[]>()

  constructor(universe: Universe, arch: string) {
    this.#universe = universe
    this.#arch = arch
  }

  goalsOf(owner: Offer): readonly Goal[] {
    let goals = this.#goals.get(owner)
    if (!goals) {
      goals = this.#universe.requirementsOf(owner).flatMap(requirement => this.#goalsFor(owner, requirement))
      this.#goals.set(owner, goals)
    }
    return goals
  }

  #goalsFor(owner: Offer, requirement: Requirement): Goal[] {
    const parts = requirement.formula ? this.#need(requirement.formula) : undefined
    if (!parts || parts.length > MOST_PARTS) return [{ ...NOTHING, owner, requirement, external: 'not-offered' }]
    return parts
      .filter(part => !part.any.includes(owner) && !part.also.includes(owner))
      .map(part => ({ owner, requirement, ...part }))
  }

  /** What must hold, all of it. */
  #need(formula: Formula): Part[] {
    switch (formula.kind) {
      case 'atom':
      case 'with':
      case 'without':
        return [this.#leaf(formula)]
      case 'and':
        return formula.parts.flatMap(part => this.#need(part))
      case 'or':
        return formula.parts.map(part => this.#need(part)).reduce(eitherOf)
      case 'if':
        return this.#needIf(formula.wanted, formula.condition, formula.otherwise)
      case 'unless':
        return this.#needUnless(formula.wanted, formula.condition, formula.otherwise)
    }
  }

  #needIf(wanted: Formula, condition: Formula, otherwise: Formula | undefined): Part[] {
    const when = formulaText(condition)
    const conditional = this.#alternatives(condition).flatMap(given =>
      this.#need(wanted).map(part => ({ ...part, given: [...part.given, ...given], when })),
    )
    return otherwise ? [...conditional, ...this.#needUnless(otherwise, condition, undefined)] : conditional
  }

  #needUnless(wanted: Formula, condition: Formula, otherwise: Formula | undefined): Part[] {
    const also = this.#alternatives(condition).flatMap(sets => (sets.length === 1 ? sets[0]! : []))
    const plain = this.#need(wanted).map(part => ({ ...part, also: [...part.also, ...also] }))
    return otherwise ? [...plain, ...this.#needIf(otherwise, condition, undefined)] : plain
  }

  /** A condition as alternatives, each of which holds when every one of its sets has a chosen package. */
  #alternatives(condition: Formula): (readonly Offer[])[][] {
    switch (condition.kind) {
      case 'and':
        return condition.parts
          .map(part => this.#alternatives(part))
          .reduce((left, right) => left.flatMap(one => right.map(other => [...one, ...other])))
      case 'or':
        return condition.parts.flatMap(part => this.#alternatives(part))
      case 'if':
      case 'unless':
        // A condition that has one itself: only the node knows.
        return [[[]]]
      default:
        return [[this.#providersOf(condition)]]
    }
  }

  #leaf(formula: Formula): Part {
    const providers = this.#providersOf(formula)
    const name = formula.kind === 'atom' ? formula.relation.name : ''
    if (isNodeSystem(this.#universe.dialect, name)) return { ...NOTHING, also: providers, external: 'node-system' }
    return { ...NOTHING, any: providers, external: providers.length === 0 ? 'not-offered' : undefined }
  }

  #providersOf(formula: Formula): Offer[] {
    switch (formula.kind) {
      case 'atom':
        return this.#ranked(formula.relation)
      case 'with':
      case 'and':
        return formula.parts.map(part => this.#providersOf(part)).reduce((a, b) => a.filter(offer => b.includes(offer)))
      case 'without': {
        const [first, ...rest] = formula.parts.map(part => this.#providersOf(part))
        return first!.filter(offer => !rest.some(others => others.includes(offer)))
      }
      case 'or':
        return [...new Set(formula.parts.flatMap(part => this.#providersOf(part)))]
      default:
        return []
    }
  }

  #ranked(relation: Relation): Offer[] {
    return this.#universe
      .providers(relation)
      .filter(offer => this.#isForMachine(offer, relation))
      .sort((a, b) => this.#compare(a, b, relation))
  }

  #isForMachine({ entry, relations }: Offer, { qualifier }: Relation): boolean {
    if (qualifier === '' || qualifier === 'native') return archRank(entry.arch, this.#arch) !== undefined
    if (qualifier !== 'any') return canonicalArch(entry.arch) === canonicalArch(qualifier)
    return relations.multiArch === 'allowed' || archRank(entry.arch, this.#arch) !== undefined
  }

  /** Who bears the name itself, an admin's TAR, the machine's own arch, short names, the newest. */
  #compare(a: Offer, b: Offer, { name }: Relation): number {
    const rank = (offer: Offer) => archRank(offer.entry.arch, this.#arch) ?? 3
    return (
      Number(b.entry.name === name) - Number(a.entry.name === name) ||
      Number(b.entry.type === 'tar') - Number(a.entry.type === 'tar') ||
      Number(rank(a) > 1) - Number(rank(b) > 1) ||
      a.entry.name.length - b.entry.name.length ||
      (a.entry.name < b.entry.name ? -1 : a.entry.name > b.entry.name ? 1 : comparePreference(a.entry, b.entry))
    )
  }
}

function eitherOf(left: Part[], right: Part[]): Part[] {
  if (left.length * right.length > MOST_PARTS) return [{ ...NOTHING, external: 'not-offered' }]
  return left.flatMap(one => right.map(other => either(one, other)))
}

function either(one: Part, other: Part): Part {
  const any = [...new Set([...one.any, ...other.any])]
  const also = [...one.also, ...other.also]
  const given = [...one.given, ...other.given]
  const when = one.when ?? other.when
  // Where the node itself has one of the alternatives, none has to be installed.
  if (one.external === 'node-system' || other.external === 'node-system') {
    return { any: [], also: [...any, ...also], given, external: 'node-system', when }
  }
  return { any, also, given, external: one.external ?? other.external, when }
}

function formulaText(formula: Formula): string {
  switch (formula.kind) {
    case 'atom':
      return relationText(formula.relation)
    case 'if':
    case 'unless': {
      const { wanted, condition, otherwise } = formula
      const rest = otherwise ? ` else ${formulaText(otherwise)}` : ''
      return `(${formulaText(wanted)} ${formula.kind} ${formulaText(condition)}${rest})`
    }
    default:
      return `(${formula.parts.map(formulaText).join(` ${formula.kind} `)})`
  }
}
