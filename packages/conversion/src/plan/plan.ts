import type { Catalog } from '../catalog/catalog.ts'
import type { Plan, PlanRequest } from './types.ts'

/** What a node has to install, and in which order, so that what it asked for works. */
export async function plan(catalog: Catalog, request: PlanRequest): Promise<Plan> {
  return catalog.plan(request)
}
