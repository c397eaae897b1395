import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, listens, until } from '../../../../test/support/ports.ts'
import { findTool } from '../../../../test/support/requires.ts'

/** An nginx of a test's own, with what is to stand in its http block. */
export class Nginx {
  readonly port: number
  readonly #process: ChildProcess

  private constructor(port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
  }

  /** @param http the content of the http block, given the port to listen on */
  static async start(folder: string, http: (port: number) => string): Promise<Nginx> {
    await mkdir(folder, { recursive: true })
    const port = await freePort()
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const file = join(folder, 'nginx.conf')
    await writeFile(
      file,
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary.map(name => `${name}_temp_path ${folder}/${name};`).join(' ')}
${http(port)}
}`,
    )
    const process = spawn(findTool('nginx') ?? 'nginx', ['-p', folder, '-c', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const nginx = new Nginx(port, process)
    await until(async () => ((await listens(port)) ? true : undefined), {
      seconds: 10,
      otherwise: () => 'nginx did not start',
    })
    return nginx
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}
