import { createHash } from 'node:crypto'
import { Agent, get, type IncomingMessage } from 'node:http'

/** What a download came to: an answer, whole, or the error code of a connection that broke. */
export interface Download {
  url: string
  /** 0: there was no answer. */
  status: number
  /** Hex SHA-256 of the body as it came. */
  sha256: string
  size: number
  headers: IncomingMessage['headers']
  /** The body of an answer that is no package. */
  text: string
  /** ECONNREFUSED, ECONNRESET, timeout …; also set when the body broke off. */
  error: string | undefined
  seconds: number
}

const KEPT_TEXT = 64 * 1024
/** A connection a request, as curl makes them. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })

export const tarUrl = (base: string, name: string): string => `${base}/api/v1/install/client/download/tar/${name}`

/** GETs a URL and hashes what comes; never rejects. */
export async function download(url: string, options: { timeoutSeconds?: number } = {}): Promise<Download> {
  const begun = performance.now()
  const hash = createHash('sha256')
  const result: Download = { url, status: 0, sha256: '', size: 0, headers: {}, text: '', error: undefined, seconds: 0 }
  const signal = AbortSignal.timeout((options.timeoutSeconds ?? 120) * 1000)
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent, signal }, resolve).once('error', reject)
    })
    result.status = response.statusCode ?? 0
    result.headers = response.headers
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk)
      result.size += chunk.length
      if (result.status >= 400 && result.text.length < KEPT_TEXT) result.text += chunk.toString()
    }
  } catch (error) {
    result.error = signal.aborted ? 'timeout' : ((error as NodeJS.ErrnoException).code ?? String(error))
  }
  result.sha256 = hash.digest('hex')
  result.seconds = (performance.now() - begun) / 1000
  return result
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
