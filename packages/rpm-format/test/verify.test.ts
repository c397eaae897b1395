import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as openpgp from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keyring, loadKeyring, readPackage, verify } from '../src/index.ts'
import { SignatureTag, Tag } from '../src/tags.ts'
import { binary, texts } from './support/header-writer.ts'
import { buildRpm, type RpmSpec, withoutTag, withTag } from './support/rpm-writer.ts'

const fixtures = join(import.meta.dirname, 'fixtures')
const fixture = (name: string) => readFileSync(join(fixtures, 'rpms', name))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskful-keyring-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('packages signed by rpmsign', () => {
  let keyring: Keyring
  beforeAll(async () => {
    keyring = await loadKeyring(join(fixtures, 'keys'))
  })

  it.each([
    ['rsa2048', 'RSA', 'RSA'],
    ['dsa2048', 'DSA', 'DSA'],
    ['ed25519', 'DSA', 'EdDSA'],
  ])('verify by a %s key', async (name, tag, keyAlgorithm) => {
    const result = await verify(fixture(`signed-${name}.rpm`), { keyring })
    expect(result).toMatchObject({ ok: true, checked: 'strong', signed: 'header+payload', problems: [] })
    expect(result.signatures).toMatchObject([
      {
        tag,
        status: 'good',
        weak: false,
        keyAlgorithm,
        hashAlgorithm: 'SHA256',
        packetVersion: 4,
        signer: `Fixture ${name} <${name}@example.invalid>`,
      },
    ])
    expect(result.digests.every(({ holds }) => holds)).toBe(true)
  })

  it('are not vouched for by a keyring without their key', async () => {
    const other = await loadKeyring(join(fixtures, 'keys/dsa2048.asc'))
    const result = await verify(fixture('signed-rsa2048.rpm'), { keyring: other })
    expect(result).toMatchObject({ ok: false, signed: 'none', checked: 'strong' })
    expect(result.signatures).toMatchObject([{ status: 'unknown-key' }])
  })

  it('are unsigned as far as nobody gave a keyring', async () => {
    const result = await verify(fixture('signed-rsa2048.rpm'))
    expect(result).toMatchObject({ ok: true, signed: 'none', signatures: [{ status: 'unknown-key' }] })
  })

  it('fail once a byte of the payload changes', async () => {
    const bytes = fixture('signed-rsa2048.rpm')
    bytes[bytes.length - 20]! ^= 1
    const result = await verify(bytes, { keyring })
    expect(result).toMatchObject({ ok: false, signed: 'none', checked: 'none' })
    expect(result.digests).toContainEqual({ covers: 'payload', algorithm: 'sha256', strength: 'strong', holds: false })
    expect(result.signatures).toMatchObject([{ status: 'good', covers: 'header' }])
    expect(result.problems[0]).toMatch(/^payload-digest-mismatch/)
  })

  it('fail once a byte of the header changes', async () => {
    const bytes = fixture('signed-rsa2048.rpm')
    const at = bytes.indexOf('The usual kinds of files')
    bytes[at] = 'X'.charCodeAt(0)
    const result = await verify(bytes, { keyring })
    expect(result).toMatchObject({ ok: false, signed: 'none', signatures: [{ status: 'bad' }] })
    expect(result.problems[0]).toBe('the sha256 of the header does not hold')
  })

  it('that are unsigned do not pass with a keyring', async () => {
    const result = await verify(fixture('empty-0-0.noarch.rpm'), { keyring })
    expect(result).toMatchObject({ ok: false, signed: 'none', problems: ['the package is not signed'] })
  })
})

describe('OpenPGP signatures of every kind', () => {
  /** Signs with the OpenPGP library as another tool than ours would. */
  async function detached(key: openpgp.PrivateKey, bytes: Uint8Array, date = new Date()): Promise<Buffer> {
    const message = await openpgp.createMessage({ binary: new Uint8Array(bytes) })
    const signature = await openpgp.sign({ message, signingKeys: key, detached: true, format: 'binary', date })
    return Buffer.from(signature as Uint8Array)
  }
  async function keyringOf(key: openpgp.PrivateKey, name: string): Promise<Keyring> {
    const path = join(folder, `${name}.asc`)
    writeFileSync(path, key.toPublic().armor())
    return loadKeyring(path)
  }
  /** The same package again, with these signature tags. */
  async function signed(
    spec: RpmSpec,
    make: (header: Uint8Array, payload: Uint8Array) => Promise<Parameters<typeof withTag>>,
  ) {
    const plain = buildRpm(spec)
    const { header, payload } = await readPackage(plain)
    const tags = await make(header.bytes, plain.subarray(payload.offset))
    return buildRpm({ ...spec, signature: withTag(...tags) })
  }
  const spec: RpmSpec = { files: [{ path: '/x', content: 'signed' }] }

  it.each([
    ['an ECDSA key', { type: 'ecc', curve: 'nistP256', format: 'object' }, SignatureTag.DSA, 'ECDSA', 4],
    ['an RSA key', { type: 'rsa', rsaBits: 2048, format: 'object' }, SignatureTag.RSA, 'RSA', 4],
    ['an old EdDSA key', { type: 'ecc', curve: 'ed25519Legacy', format: 'object' }, SignatureTag.DSA, 'EdDSA', 4],
  ] as const)('v4 packets by %s', async (_, options, tag, keyAlgorithm, packetVersion) => {
    const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'Test' }], ...options })
    const keyring = await keyringOf(privateKey, keyAlgorithm)
    const bytes = await signed(spec, async header => [binary(tag, await detached(privateKey, header))])
    const result = await verify(bytes, { keyring })
    expect(result).toMatchObject({
      ok: true,
      signed: 'header+payload',
      signatures: [{ status: 'good', keyAlgorithm, packetVersion }],
    })
    const forged = await signed(spec, async () => [
      binary(tag, await detached(privateKey, Buffer.from('something else'))),
    ])
    expect(await verify(forged, { keyring })).toMatchObject({
      ok: false,
      signed: 'none',
      signatures: [{ status: 'bad' }],
    })
  })

  it('v6 packets in OPENPGP, several of them, by Ed25519 and Ed448', async () => {
    const make = (type: 'curve25519' | 'curve448') =>
      openpgp.generateKey({ userIDs: [{ name: type }], type, format: 'object', config: { v6Keys: true } })
    const { privateKey: first } = await make('curve25519')
    const { privateKey: second } = await make('curve448')
    const bytes = await signed({ ...spec, format: 6 }, async header => [
      texts(
        SignatureTag.OPENPGP,
        (await detached(first, header)).toString('base64'),
        (await detached(second, header)).toString('base64'),
      ),
    ])
    expect(await verify(bytes, { keyring: await keyringOf(second, 'second') })).toMatchObject({
      ok: true,
      signed: 'header+payload',
      signatures: [
        { tag: 'OPENPGP', status: 'unknown-key', keyAlgorithm: 'Ed25519', packetVersion: 6 },
        { tag: 'OPENPGP', status: 'good', keyAlgorithm: 'Ed448', packetVersion: 6 },
      ],
    })
  })

  it('signatures over header and payload together', async () => {
    const { privateKey } = await openpgp.generateKey({
      userIDs: [{ name: 'Test' }],
      type: 'rsa',
      rsaBits: 2048,
      format: 'object',
    })
    const keyring = await keyringOf(privateKey, 'whole')
    const old: RpmSpec = { ...spec, format: 3 }
    const bytes = await signed(old, async (header, payload) => [
      binary(SignatureTag.PGP, await detached(privateKey, Buffer.concat([header, payload]))),
    ])
    expect(await verify(bytes, { keyring })).toMatchObject({
      ok: true,
      checked: 'weak',
      signed: 'header+payload',
      signatures: [{ tag: 'PGP', covers: 'header+payload', status: 'good' }],
    })
  })

  it('a header signature does not vouch for a payload that no strong digest covers', async () => {
    const { privateKey } = await openpgp.generateKey({
      userIDs: [{ name: 'Test' }],
      type: 'rsa',
      rsaBits: 2048,
      format: 'object',
    })
    const bare: RpmSpec = { ...spec, header: withoutTag(Tag.PAYLOADSHA256, Tag.PAYLOADSHA256ALT) }
    const bytes = await signed(bare, async header => [binary(SignatureTag.RSA, await detached(privateKey, header))])
    const result = await verify(bytes, { keyring: await keyringOf(privateKey, 'partial') })
    expect(result).toMatchObject({ ok: false, signed: 'header' })
    expect(result.problems).toEqual(['only the header is signed: nothing that is signed covers the payload'])
  })

  describe.each(['primary key', 'subkey'] as const)('a %s that expires', kind => {
    const [born, within, after] = ['2020-01-01', '2020-06-01', '2022-06-01'].map(day => new Date(day)) as [
      Date,
      Date,
      Date,
    ]
    const year = 365 * 24 * 3600
    const userIDs = [{ name: 'Test' }]
    let key: openpgp.PrivateKey
    beforeAll(async () => {
      const { privateKey } = await openpgp.generateKey({
        userIDs,
        type: 'ecc',
        curve: 'ed25519Legacy',
        format: 'object',
        date: born,
        ...(kind === 'subkey' ? { subkeys: [{ sign: true }] } : {}),
      })
      key = privateKey
    })
    /** The same key, which says of itself at that time when it expires. */
    async function saying(date: Date, keyExpirationTime: number, name: string): Promise<Keyring> {
      const { privateKey } = await openpgp.reformatKey({
        privateKey: key,
        userIDs,
        keyExpirationTime,
        date,
        format: 'object',
      })
      return keyringOf(privateKey, `${name}-${kind}`)
    }
    const packageOf = (date: Date) =>
      signed(spec, async header => [binary(SignatureTag.DSA, await detached(key, header, date))])

    it('vouches for what it signed before, now that it has expired', async () => {
      const keyring = await saying(born, year, 'expired')
      expect(await verify(await packageOf(within), { keyring })).toMatchObject({ ok: true, signed: 'header+payload' })
    })

    it('vouches for nothing that it signed afterwards', async () => {
      const keyring = await saying(born, year, 'expired')
      expect(await verify(await packageOf(after), { keyring })).toMatchObject({
        ok: false,
        signed: 'none',
        signatures: [{ status: 'bad', message: expect.stringContaining('expired') }],
      })
    })

    it('vouches for all once it was renewed, though nothing it says of itself is as old as the packages', async () => {
      const keyring = await saying(new Date('2023-01-01'), 20 * year, 'renewed')
      for (const date of [within, after])
        expect(await verify(await packageOf(date), { keyring })).toMatchObject({ ok: true, signed: 'header+payload' })
    })
  })

  describe('v3 packets, which the OpenPGP library passes over in silence', () => {
    /** The key as OpenPGP wraps it, and a v3 packet made by hand. */
    async function v3(bits: number, hash: 'sha256' | 'sha1', born = new Date('2001-09-09')) {
      const { privateKey } = await openpgp.generateKey({
        userIDs: [{ name: 'Old' }],
        type: 'rsa',
        rsaBits: bits,
        format: 'object',
        date: born,
        config: { minRSABits: bits },
      })
      const key = rsaKeyOf(privateKey.keyPacket)
      const packet = (bytes: Uint8Array): Buffer => {
        const trailer = Buffer.from('0049000000', 'hex') // type 0, the year 2008
        const signature = sign(hash, Buffer.concat([bytes, trailer]), key)
        const start = createHash(hash).update(bytes).update(trailer).digest().subarray(0, 2)
        const size = Buffer.alloc(2)
        size.writeUInt16BE(signature.length * 8)
        const body = Buffer.concat([
          Buffer.of(3, 5),
          trailer,
          Buffer.from(privateKey.getKeyID().toHex(), 'hex'),
          Buffer.of(1, hash === 'sha1' ? 2 : 8),
          start,
          size,
          signature,
        ])
        const head = Buffer.of(0x89, 0, 0)
        head.writeUInt16BE(body.length, 1)
        return Buffer.concat([head, body])
      }
      return { packet, keyring: await keyringOf(privateKey, `v3-${bits}-${hash}`) }
    }

    it('verify', async () => {
      const { packet, keyring } = await v3(2048, 'sha256')
      const bytes = await signed(spec, async (header, payload) => [
        binary(SignatureTag.RSA, packet(header)),
        binary(SignatureTag.PGP, packet(Buffer.concat([header, payload]))),
      ])
      expect(await verify(bytes, { keyring })).toMatchObject({
        ok: true,
        signed: 'header+payload',
        signatures: [
          { tag: 'RSA', status: 'good', packetVersion: 3, weak: false },
          { tag: 'PGP', status: 'good', packetVersion: 3 },
        ],
      })
      const forged = await signed(spec, async header => [
        binary(SignatureTag.RSA, packet(Buffer.concat([header, Buffer.of(0)]))),
      ])
      expect(await verify(forged, { keyring })).toMatchObject({ ok: false, signatures: [{ status: 'bad' }] })
    })

    it('that are older than their key are bad', async () => {
      const { packet, keyring } = await v3(2048, 'sha256', new Date('2010-01-01'))
      const bytes = await signed(spec, async header => [binary(SignatureTag.RSA, packet(header))])
      expect(await verify(bytes, { keyring })).toMatchObject({
        ok: false,
        signed: 'none',
        signatures: [{ status: 'bad', message: 'the key is younger than the signature' }],
      })
    })

    it('over SHA-1 are good but count only on request', async () => {
      const { packet, keyring } = await v3(2048, 'sha1')
      const bytes = await signed(spec, async header => [binary(SignatureTag.RSA, packet(header))])
      const strict = await verify(bytes, { keyring })
      expect(strict).toMatchObject({ ok: false, signed: 'none', signatures: [{ status: 'good', weak: true }] })
      expect(await verify(bytes, { keyring, acceptWeakSignatures: true })).toMatchObject({
        ok: true,
        signed: 'header+payload',
      })
    })
  })

  it.each([
    ['nothing', Buffer.alloc(1)],
    ['garbage', Buffer.from('no packet at all')],
    ['a cut packet', Buffer.from('8900ff0305', 'hex')],
    ['a packet of an unknown version', Buffer.from('88020709', 'hex')],
    ['a public key', Buffer.from('98020401', 'hex')],
  ])('a signature tag that holds %s is a failure, keyring or not', async (_, value) => {
    const bytes = buildRpm({ ...spec, signature: withTag(binary(SignatureTag.RSA, value)) })
    const result = await verify(bytes)
    expect(result).toMatchObject({ ok: false, signed: 'none', signatures: [{ status: 'unparsable' }] })
  })
})

describe('a keyring', () => {
  it('is read from binary keys, too', async () => {
    const { privateKey } = await openpgp.generateKey({ userIDs: [{ name: 'Test' }], format: 'object' })
    const path = join(folder, 'binary.gpg')
    writeFileSync(path, privateKey.toPublic().write())
    expect((await loadKeyring(path)).size).toBe(1)
  })
  it.each([
    ['is not there', 'absent', undefined],
    ['has no key', 'README', 'Keys of the cluster.'],
    [
      'has a broken key',
      'broken.asc',
      '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQEN\n-----END PGP PUBLIC KEY BLOCK-----\n',
    ],
  ])('that %s is refused', async (_, name, text) => {
    const path = join(folder, name)
    if (text !== undefined) writeFileSync(path, text)
    await expect(loadKeyring(path)).rejects.toMatchObject({ code: 'bad-keyring' })
  })
})

/** The private key that the OpenPGP library generated, for node:crypto. */
function rsaKeyOf(packet: object): KeyObject {
  const { publicParams, privateParams } = packet as Record<'publicParams' | 'privateParams', Record<string, Uint8Array>>
  const part = (value: Uint8Array | bigint) =>
    (typeof value === 'bigint' ? bigBytes(value) : Buffer.from(value)).toString('base64url')
  const number = (value: Uint8Array) => BigInt(`0x${Buffer.from(value).toString('hex')}`)
  const [d, p, q] = [number(privateParams.d!), number(privateParams.p!), number(privateParams.q!)]
  const jwk = {
    kty: 'RSA',
    n: part(publicParams.n!),
    e: part(publicParams.e!),
    d: part(d),
    p: part(q),
    q: part(p),
    dp: part(d % (q - 1n)),
    dq: part(d % (p - 1n)),
    qi: part(number(privateParams.u!)),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}

function bigBytes(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}
