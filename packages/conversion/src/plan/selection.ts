import { mayCoexist, type Offer, type Universe } from './universe.ts'

/** Chosen packages, in the order in which they were chosen, with an undo. */
export class Selection {
  readonly #universe: Universe
  readonly #trail: { offer: Offer; level: number }[] = []
  readonly #levels = new Map<Offer, number>()
  readonly #byName = new Map<string, Offer[]>()

  constructor(universe: Universe) {
    this.#universe = universe
  }

  get size(): number {
    return this.#trail.length
  }

  get offers(): Offer[] {
    return this.#trail.map(({ offer }) => offer)
  }

  has(offer: Offer): boolean {
    return this.#levels.has(offer)
  }

  hasAny(offers: readonly Offer[]): boolean {
    return offers.some(offer => this.#levels.has(offer))
  }

  levelOf(offer: Offer): number {
    return this.#levels.get(offer) ?? 0
  }

  at(index: number): Offer | undefined {
    return this.#trail[index]?.offer
  }

  add(offer: Offer, level: number): void {
    this.#trail.push({ offer, level })
    this.#levels.set(offer, level)
    const { name } = offer.entry
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), offer])
  }

  /** Forgets everything chosen after the first `size` ones. */
  undoTo(size: number): void {
    for (const { offer } of this.#trail.splice(size)) {
      this.#levels.delete(offer)
      const { name } = offer.entry
      this.#byName.set(
        name,
        this.#byName.get(name)!.filter(other => other !== offer),
      )
    }
  }

  /** What is chosen already and keeps this one out. */
  blockerOf(offer: Offer): Offer | undefined {
    for (const other of this.#byName.get(offer.entry.name) ?? []) {
      if (other !== offer && !mayCoexist(this.#universe, offer, other)) return other
    }
    for (const rival of this.#universe.rivalsOf(offer)) if (this.has(rival)) return rival
    return this.#trail.find(({ offer: chosen }) => this.#universe.rivalsOf(chosen).has(offer))?.offer
  }
}
