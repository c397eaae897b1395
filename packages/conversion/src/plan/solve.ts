import type { Goal, GoalMaker } from './goals.ts'
import { Selection } from './selection.ts'
import type { Offer, Universe } from './universe.ts'

export interface Solution {
  /** In the order in which they were found to be needed. */
  chosen: Offer[]
  /** Goals that nothing could be chosen for because of what else is needed. */
  abandoned: Goal[]
  /** All goals of what is chosen. */
  goals: Goal[]
}

/** Choices taken back before a goal is given up; real catalogs need a handful. */
const MOST_BACKTRACKS = 2000

/**
 * Chooses packages so that every goal of every chosen one holds, the preferred candidate first. A dead end goes back to
 * the last choice that had a part in it. What cannot be fulfilled at all is given up, one goal at a time, and reported:
 * the node's own package manager has the last word.
 */
export function solve(universe: Universe, maker: GoalMaker, wanted: readonly Goal[]): Solution {
  const abandoned = new Set<Goal>()
  for (;;) {
    const search = new Search(universe, maker, wanted, abandoned)
    const hopeless = search.run()
    if (!hopeless) return { chosen: search.chosen.offers, abandoned: [...abandoned], goals: search.goals }
    abandoned.add(hopeless)
  }
}

interface Choice {
  goal: Goal
  options: Offer[]
  next: number
  /** How far everything was when the choice was made. */
  chosen: number
  goals: number
  position: number
  /** Levels of earlier choices that left it these options only. */
  reasons: Set<number>
}

class Search {
  readonly chosen: Selection
  readonly goals: Goal[]
  readonly #maker: GoalMaker
  readonly #abandoned: ReadonlySet<Goal>
  readonly #choices: Choice[] = []
  #position = 0
  #backtracks = 0

  constructor(universe: Universe, maker: GoalMaker, wanted: readonly Goal[], abandoned: ReadonlySet<Goal>) {
    this.chosen = new Selection(universe)
    this.goals = [...wanted]
    this.#maker = maker
    this.#abandoned = abandoned
  }

  /** undefined when every goal holds; else the one that stood in the way. */
  run(): Goal | undefined {
    for (;;) {
      const goal = this.#nextOpenGoal()
      if (!goal) return undefined
      const { options, reasons } = this.#optionsFor(goal)
      if (options.length > 0) this.#choose({ ...this.#here(), goal, options, next: 0, reasons })
      else if (++this.#backtracks > MOST_BACKTRACKS || !this.#backtrack(reasons)) return goal
    }
  }

  #here() {
    return { chosen: this.chosen.size, goals: this.goals.length, position: this.#position }
  }

  /** In the order of discovery; conditional ones again whenever all others hold, since later choices may call for them. */
  #nextOpenGoal(): Goal | undefined {
    for (; this.#position < this.goals.length; this.#position++) {
      const goal = this.goals[this.#position]!
      if (this.#isOpen(goal)) return goal
    }
    return this.goals.find(goal => goal.given.length > 0 && this.#isOpen(goal))
  }

  #isOpen(goal: Goal): boolean {
    if (goal.any.length === 0 || this.#abandoned.has(goal)) return false
    if (!goal.given.every(set => this.chosen.hasAny(set))) return false
    return !this.chosen.hasAny(goal.any) && !this.chosen.hasAny(goal.also)
  }

  #optionsFor(goal: Goal): { options: Offer[]; reasons: Set<number> } {
    const reasons = new Set<number>()
    if (goal.owner) reasons.add(this.chosen.levelOf(goal.owner))
    for (const set of goal.given)
      for (const offer of set) if (this.chosen.has(offer)) reasons.add(this.chosen.levelOf(offer))
    const options = goal.any.filter(offer => {
      const blocker = this.chosen.blockerOf(offer)
      if (blocker) reasons.add(this.chosen.levelOf(blocker))
      return !blocker
    })
    return { options, reasons }
  }

  #choose(choice: Choice): void {
    this.#choices.push(choice)
    this.#take(choice)
  }

  #take(choice: Choice): void {
    const offer = choice.options[choice.next++]!
    this.chosen.add(offer, this.#choices.length)
    this.goals.push(...this.#maker.goalsOf(offer))
  }

  /** Level n is what the nth choice brought about; level 0 is what was asked for. */
  #backtrack(conflict: Set<number>): boolean {
    for (;;) {
      const level = Math.max(0, ...conflict)
      if (level === 0) return false
      this.#choices.length = level
      const choice = this.#choices[level - 1]!
      this.chosen.undoTo(choice.chosen)
      this.goals.length = choice.goals
      this.#position = choice.position
      for (const reason of conflict) if (reason !== level) choice.reasons.add(reason)
      if (choice.next < choice.options.length) {
        this.#take(choice)
        return true
      }
      this.#choices.length = level - 1
      conflict = choice.reasons
    }
  }
}
