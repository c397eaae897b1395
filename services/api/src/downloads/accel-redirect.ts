/**
 * Tells an nginx in front to send the file itself: examples/nginx has the configuration that goes with it.
 * @param path below the prefix, '/' separated
 */
export function accelRedirect(prefix: string, path: string): Record<string, string> {
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return { 'x-accel-redirect': `${prefix}/${encoded}` }
}
