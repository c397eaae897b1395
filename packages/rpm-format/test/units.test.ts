import { describe, expect, it } from 'vitest'
import { hasInstallSection, templateOf, unitAt, unitsNamedBy } from '../src/units.ts'

const named = (script: string) => unitsNamedBy(script).units.map(({ unit, why }) => `${why} ${unit}`)

describe('units named by scriptlets', () => {
  it.each([
    ['systemctl enable a.service', ['enable a.service']],
    ['/usr/bin/systemctl --no-reload preset a.service >/dev/null 2>&1 || :', ['preset a.service']],
    ['[ $1 -eq 1 ] && systemctl -q enable --now a b.timer', ['enable a.service', 'enable b.timer']],
    ['if true; then systemctl reenable "a@tty1.service"; fi', ['enable a@tty1.service']],
    [
      'if [ $1 -eq 1 ] && [ -x "/usr/lib/systemd/systemd-update-helper" ]; then\n' +
        '    # Initial installation\n' +
        '    /usr/lib/systemd/systemd-update-helper install-system-units a.service b.socket || :\nfi',
      ['preset a.service', 'preset b.socket'],
    ],
    ['%systemd_post a.service b.service', ['preset a.service', 'preset b.service']],
    ['systemctl enable \\\n  a.service', ['enable a.service']],
    ['systemctl is-enabled a.service; systemctl disable b; systemctl start c', []],
    ['systemctl --user enable a.service; systemctl --global preset b.service', []],
    ['systemd-update-helper install-user-units a.service', []],
    ['# systemctl enable a.service', []],
    ['mysystemctl enable a.service; systemctl enabled', []],
  ])('%j', (script, units) => expect(named(script)).toEqual(units))

  it('says what it cannot know', () => {
    expect(unitsNamedBy('systemctl enable $unit a.service')).toEqual({
      units: [{ unit: 'a.service', why: 'enable' }],
      unclear: ['$unit'],
    })
  })
})

describe('unit files', () => {
  it.each([
    ['/usr/lib/systemd/system/a.service', 'a.service'],
    ['/lib/systemd/system/a@.timer', 'a@.timer'],
    ['/etc/systemd/system/a.socket', 'a.socket'],
    ['/usr/lib/systemd/user/a.service', undefined],
    ['/usr/lib/systemd/system/a.service.d/x.conf', undefined],
    ['/usr/lib/systemd/system/README', undefined],
  ])('%s is %s', (path, unit) => expect(unitAt(path)).toBe(unit))

  it('have an [Install] section only where it stands on a line of its own', () => {
    expect(hasInstallSection('[Unit]\n[Install]\nWantedBy=x\n')).toBe(true)
    expect(hasInstallSection('[Unit]\r\n[Install]\r\n')).toBe(true)
    expect(hasInstallSection('[Unit]\n# [Install]\nDescription=[Install]\n')).toBe(false)
  })

  it('have templates', () => {
    expect(templateOf('a@b.service')).toBe('a@.service')
    expect(templateOf('a@.service')).toBeUndefined()
    expect(templateOf('a.service')).toBeUndefined()
  })

  it('takes no longer for a script of blank lines', () => {
    const started = performance.now()
    expect(unitsNamedBy(`${'\n'.repeat(1_000_000)}  # systemctl enable no\nsystemctl enable a`).units).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})
