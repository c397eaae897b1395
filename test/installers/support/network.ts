import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** The documented head node's address, and further ones for servers that do harm. */
export const HEAD_NODE = '10.10.1.4'
export const FAULTY_HEAD_NODE = '10.10.1.5'

/** A network namespace with nothing but loopback, where 10.10.1.4 and 10.10.1.5 are addresses of ours. */
export class Network {
  readonly #holder: ChildProcess

  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  static async create(): Promise<Network> {
    const addresses = [HEAD_NODE, FAULTY_HEAD_NODE].map(address => `ip address add ${address}/32 dev lo`)
    const script = ['ip link set lo up', ...addresses, 'echo ready', 'exec cat'].join(' && ')
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    return new Network(holder)
  }

  /** Arguments that run what follows in this network. */
  get enter(): string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`]
  }

  close(): void {
    this.#holder.stdin?.end()
  }
}
