import { afterAll, beforeAll } from 'vitest'
import { HeadNode, type HeadNodeOptions } from './head-node.ts'
import { Network } from './network.ts'

export interface Cluster {
  network: Network
  head: HeadNode
}

/** A network with a head node at http://10.10.1.4/, there from before the first test of a `describe` until after its last. */
export function useCluster(options: HeadNodeOptions): Cluster {
  const cluster = {} as Cluster
  beforeAll(async () => {
    cluster.network = await Network.create()
    cluster.head = await HeadNode.start(cluster.network, options)
  })
  afterAll(async () => {
    await cluster.head?.stop()
    cluster.network?.close()
  })
  return cluster
}
