import { createHash } from 'node:crypto'
import { Agent, get, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'

/** What a download came to: an answer, whole, or the error code of a connection that broke. */
export interface Download {
  url: string
  /** 0: there was no answer. */
  status: number
  /** Hex SHA-256 of the body as it came. */
  sha256: string
  size: number
  headers: IncomingHttpHeaders
  /** The body of an answer that is no package. */
  text: string
  /** ECONNREFUSED, ECONNRESET, silence, left …; also set when the body broke off. */
  error: string | undefined
  seconds: number
}

const KEPT_TEXT = 64 * 1024
/** A connection a request, as curl makes them. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

export const tarUrl = (base: string, name: string): string => `${base}/api/v1/install/client/download/tar/${name}`

export interface DownloadOptions {
  /** The server may say nothing for so long; 120. A client that is slow to read is no server that hangs. */
  silenceSeconds?: number
  /** The client leaves once it has so many bytes; 0: before there is an answer. */
  leaveAfter?: number
}

/** GETs a URL and hashes what comes; never rejects. */
export async function download(url: string, options: DownloadOptions = {}): Promise<Download> {
  return await new Receipt(url).get({}, options)
}

/** The same in two connections, the first of which breaks off: the second asks for the rest, as `curl -C -` does. */
export async function downloadInTwo(url: string, options: DownloadOptions & { leaveAfter: number }): Promise<Download> {
  const receipt = new Receipt(url)
  const { silenceSeconds = 120 } = options
  const first = await receipt.get({}, options)
  const etag = first.headers.etag
  if (first.error !== 'left' || first.size === 0 || etag === undefined) return first
  return await receipt.get({ range: `bytes=${first.size}-`, 'if-range': etag }, { silenceSeconds })
}

/** What has come of a URL so far. */
class Receipt {
  readonly #url: string
  readonly #begun = performance.now()
  #hash = createHash('sha256')
  #size = 0

  constructor(url: string) {
    this.#url = url
  }

  /** Another part of it, or all of it anew, as the server decides. */
  async get(headers: OutgoingHttpHeaders, { silenceSeconds = 120, leaveAfter }: DownloadOptions): Promise<Download> {
    const result = { url: this.#url, status: 0, headers: {} as IncomingHttpHeaders, text: '' }
    let error: string | undefined
    const ending = new AbortController()
    const silence = setTimeout(() => ending.abort('silence'), silenceSeconds * 1000)
    const leaving = leaveAfter === 0 ? setTimeout(() => ending.abort('left'), 300) : undefined
    try {
      const response = await responseTo(this.#url, headers, ending.signal)
      clearTimeout(leaving)
      result.status = response.statusCode ?? 0
      result.headers = response.headers
      if (result.status !== 206) this.#forget()
      for await (const chunk of response as AsyncIterable<Buffer>) {
        silence.refresh()
        this.#hash.update(chunk)
        this.#size += chunk.length
        if (result.status >= 400 && result.text.length < KEPT_TEXT) result.text += chunk.toString()
        if (leaveAfter !== undefined && this.#size >= leaveAfter) ending.abort('left')
      }
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      error = ending.signal.aborted ? String(ending.signal.reason) : (code ?? String(thrown))
    } finally {
      clearTimeout(silence)
      clearTimeout(leaving)
    }
    const seconds = (performance.now() - this.#begun) / 1000
    return { ...result, error, sha256: this.#hash.copy().digest('hex'), size: this.#size, seconds }
  }

  #forget(): void {
    this.#hash = createHash('sha256')
    this.#size = 0
  }
}

async function responseTo(url: string, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    get(url, { agent, signal, headers }, resolve).once('error', reject)
  })
}

/**
 * Downloads from the first base URL that accepts the connection, asking again as long as all refuse. `resets` are
 * connections that the kernel had established but no process accepted any more when its listening socket was closed:
 * to a client the same as a refusal, but for the word. No process can rule them out, so they are counted.
 */
export async function downloadFromAny(
  bases: readonly string[],
  name: string,
  first: number,
): Promise<{ result: Download; resets: number }> {
  const end = performance.now() + 60_000
  let resets = 0
  for (let turn = first; ; turn++) {
    const result = await download(tarUrl(bases[turn % bases.length] ?? '', name))
    const refused = result.error === 'ECONNREFUSED' || result.error === 'EHOSTUNREACH'
    const reset = result.error === 'ECONNRESET' && result.status === 0
    if (reset) resets++
    if (!(refused || reset) || performance.now() > end) return { result, resets }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** `{"200 <sha256>": 190, "503 …": 10}`: what a storm came to, short enough for an assertion. */
export function tally(downloads: readonly Download[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, sha256, error, text } of downloads) {
    const what = error ?? (status === 200 ? sha256 : text.slice(0, 300))
    counts[`${status} ${what}`] = (counts[`${status} ${what}`] ?? 0) + 1
  }
  return counts
}
