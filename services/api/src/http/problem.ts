import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { PackageType } from '../ports.ts'

export interface ProblemFacts {
  status: ContentfulStatusCode
  /** kebab-case, for programs. */
  code: string
  title: string
  /** A sentence for people: what happened and what to do. */
  detail: string
  /** The kind of package that it is about. */
  about?: PackageType
  headers?: Record<string, string>
  /** Further members of the problem document. */
  extra?: Record<string, unknown>
}

/** An answer that is no success, thrown by whoever finds out: RFC 9457, or a shell script where users run what they get. */
export class Problem extends Error {
  readonly facts: ProblemFacts
  constructor(facts: ProblemFacts, options?: ErrorOptions) {
    super(facts.detail, options)
    this.name = 'Problem'
    this.facts = facts
  }
  get code(): string {
    return this.facts.code
  }
}

/** Renders a problem as what the path's caller can read: installers are run by shells, everything else is JSON. */
export function problemResponse(c: Context, facts: ProblemFacts): Response {
  const headers = { 'cache-control': 'no-store', ...facts.headers }
  if (isInstallerPath(c.req.path)) {
    return c.body(problemAsScript(facts), facts.status, { ...headers, 'content-type': 'text/x-shellscript' })
  }
  return c.body(problemDocument(facts), facts.status, { ...headers, 'content-type': 'application/problem+json' })
}

/** RFC 9457. `type`: `urn:diskful:` and the code, then the kind of package where it is about one. */
export function problemDocument({ status, code, title, detail, about, extra }: ProblemFacts): string {
  const type = ['urn:diskful', code, ...(about === undefined ? [] : [about])].join(':')
  const kind = about === undefined ? {} : { packageType: about }
  return `${JSON.stringify({ type, title, status, code, detail, ...kind, ...extra })}\n`
}

function isInstallerPath(path: string): boolean {
  return path.startsWith('/api/v1/install/client/installer')
}

/** A script that prints the problem and fails (31: E_REFUSED of installers/parts/exit-codes.sh): users run what `curl -o` saved, errors included. */
export function problemAsScript({ status, code, title, detail }: ProblemFacts): string {
  const lines = [`${title} (${status}, ${code})`, ...detail.split('\n')].map(singleQuoted)
  return `#!/bin/sh\nprintf '%s\\n' ${lines.join(' ')} >&2\nexit 31\n`
}

function singleQuoted(text: string): string {
  const printable = text.replace(/\p{Cc}/gu, '?')
  return `'${printable.replaceAll("'", `'\\''`)}'`
}
