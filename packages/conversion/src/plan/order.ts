import type { GoalMaker } from './goals.ts'
import { Weight } from './package-relations.ts'
import type { Offer } from './universe.ts'

/** `from` is to be installed after `to`. */
interface Edge {
  to: Offer
  weight: number
}

type Graph = ReadonlyMap<Offer, readonly Edge[]>

/** Dependencies first. Cycles are broken at what matters least: what is needed only for removal, then ordinary requirements, then %post's, then %pre's. */
export function installationOrder(chosen: readonly Offer[], maker: GoalMaker): Offer[] {
  return ordered(chosen, graphOf(chosen, maker), Weight.atRemoval)
}

function graphOf(chosen: readonly Offer[], maker: GoalMaker): Graph {
  const isChosen = new Set(chosen)
  const byName = new Map(chosen.map(offer => [offer.entry.name, offer]))
  return new Map(
    chosen.map(offer => {
      const edges: Edge[] = []
      for (const { any, also, requirement } of maker.goalsOf(offer)) {
        for (const to of [...any, ...also]) if (isChosen.has(to)) edges.push({ to, weight: requirement.weight })
      }
      for (const name of offer.relations.after) {
        const to = byName.get(name)
        if (to) edges.push({ to, weight: Weight.atRemoval })
      }
      return [offer, edges]
    }),
  )
}

function ordered(offers: readonly Offer[], graph: Graph, least: number): Offer[] {
  if (least > Weight.preInstall) return [...offers].sort((a, b) => (a.entry.nevra < b.entry.nevra ? -1 : 1))
  return components(offers, graph, least).flatMap(members =>
    members.length === 1 ? members : ordered(members, graph, least + 1),
  )
}

/** Tarjan's strongly connected components over edges of at least that weight; each comes after those it points to. */
function components(offers: readonly Offer[], graph: Graph, least: number): Offer[][] {
  const inside = new Set(offers)
  const index = new Map<Offer, number>()
  const low = new Map<Offer, number>()
  const stack: Offer[] = []
  const onStack = new Set<Offer>()
  const found: Offer[][] = []

  const visit = (offer: Offer): void => {
    const own = index.size
    index.set(offer, own)
    low.set(offer, own)
    stack.push(offer)
    onStack.add(offer)
    for (const { to, weight } of graph.get(offer)!) {
      if (weight < least || !inside.has(to)) continue
      if (!index.has(to)) {
        visit(to)
        low.set(offer, Math.min(low.get(offer)!, low.get(to)!))
      } else if (onStack.has(to)) low.set(offer, Math.min(low.get(offer)!, index.get(to)!))
    }
    if (low.get(offer) !== own) return
    const members = stack.splice(stack.indexOf(offer))
    for (const member of members) onStack.delete(member)
    found.push(members)
  }

  for (const offer of offers) if (!index.has(offer)) visit(offer)
  return found
}
