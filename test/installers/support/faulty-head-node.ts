import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

// A way to the head node that does harm: `node faulty-head-node.ts ADDRESS HEAD RULES`. RULES is a JSON list; the first
// rule whose `path` (a regular expression) fits and that is not used up decides. Each request is a line of JSON on
// standard output. A request with a whole URL (to a proxy) goes to the head node as well.

export interface Rule {
  path: string
  /** How often; then the next rule decides. */
  times: number
  fault: 'cut' | 'corrupt' | 'silent' | 'status' | 'no-range' | 'reset'
  /** Bytes that come before a cut; the status. */
  at?: number
  /** For a status. */
  retryAfter?: number
}

export interface Seen {
  method: string
  url: string
  range: string | undefined
  fault: string | undefined
  agent: string | undefined
}

if (import.meta.main) serve(process.argv[2]!, process.argv[3]!, JSON.parse(process.argv[4]!) as Rule[])

function serve(address: string, head: string, rules: Rule[]): void {
  const server = createServer((incoming, answer) => {
    const url = incoming.url!.replace(/^http:\/\/[^/]+/, '')
    const rule = rules.find(({ path, times }) => times > 0 && new RegExp(path).test(url))
    if (rule) rule.times--
    const seen: Seen = {
      method: incoming.method!,
      url: incoming.url!,
      range: incoming.headers.range,
      fault: rule?.fault,
      agent: incoming.headers['user-agent'],
    }
    process.stdout.write(`${JSON.stringify(seen)}\n`)
    if (rule?.fault === 'silent') return
    if (rule?.fault === 'reset') {
      incoming.socket.destroy()
      return
    }
    if (rule?.fault === 'status') {
      const headers = rule.retryAfter === undefined ? {} : { 'retry-after': String(rule.retryAfter) }
      answer.writeHead(rule.at!, { 'content-type': 'application/problem+json', ...headers })
      answer.end('{"title":"x","detail":"the faulty one says \\"no\\""}')
      return
    }
    forward(incoming, answer, { head, url, rule })
  })
  server.listen(80, address, () => process.stdout.write('"ready"\n'))
}

function forward(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { head, url, rule }: { head: string; url: string; rule: Rule | undefined },
): void {
  const { range, ...headers } = incoming.headers
  if (range !== undefined && rule?.fault !== 'no-range') headers.range = range
  const outgoing = request({ host: head, path: url, method: incoming.method, headers }, upstream => {
    const chunks: Buffer[] = []
    upstream.on('data', (chunk: Buffer) => chunks.push(chunk))
    upstream.on('end', () => {
      const body = Buffer.concat(chunks)
      if (rule?.fault === 'corrupt' && body.length > 0) body[body.length - 1]! ^= 0xff
      answer.writeHead(upstream.statusCode!, upstream.headers)
      if (rule?.fault !== 'cut') {
        answer.end(body)
        return
      }
      answer.write(body.subarray(0, rule.at ?? body.length / 2), () => setTimeout(() => answer.destroy(), 50))
    })
  })
  incoming.pipe(outgoing)
}
