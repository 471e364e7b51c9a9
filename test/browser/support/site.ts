import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { extraFolder } from '../../../scripts/extras.ts'
import { findChromium } from '../../support/chromium.ts'

/** As far as these tests use it. @see https://playwright.dev/docs/api/class-page */
export interface Page {
  goto(url: string): Promise<unknown>
  evaluate<T>(script: string): Promise<T>
  addInitScript(script: string): Promise<void>
  exposeFunction(name: string, callback: (...args: never[]) => unknown): Promise<void>
  click(selector: string): Promise<void>
  textContent(selector: string): Promise<string | null>
  on(event: 'pageerror', listener: (error: Error) => void): void
  close(): Promise<void>
}

export interface Site {
  /** A page of the site that is open, and whatever it threw. */
  open(): Promise<{ readonly page: Page; readonly errors: readonly Error[] }>
  readonly url: string
  close(): Promise<void>
}

interface Playwright {
  readonly chromium: {
    launch(options: object): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>
  }
}

/** Pages may load scripts of their own site only, and evaluate no text. */
const policyOf = (allowsWasm: boolean): string =>
  `default-src 'none'; script-src 'self'${allowsWasm ? " 'wasm-unsafe-eval'" : ''}; connect-src *`

/** Serves files on an origin of its own, to a Chromium without a window. @param allowsWasm or JavaScript alone */
export async function startSite(files: ReadonlyMap<string, string>, allowsWasm = true): Promise<Site> {
  const server = createServer((req, res) => {
    const name = req.url === '/' ? 'index.html' : (req.url ?? '').slice(1)
    const text = files.get(name)
    const type = name.endsWith('.html') ? 'text/html; charset=utf-8' : 'text/javascript'
    res.writeHead(text === undefined ? 404 : 200, {
      'content-type': type,
      'content-security-policy': policyOf(allowsWasm),
    })
    res.end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const { chromium } = createRequire(join(extraFolder('browser'), 'package.json'))(
    'playwright-core',
  ) as Playwright
  const isRoot = process.getuid?.() === 0
  const browser = await chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: ['--disable-dev-shm-usage', ...(isRoot ? ['--no-sandbox'] : [])],
  })
  return {
    url,
    async open() {
      const page = await browser.newPage()
      const errors: Error[] = []
      page.on('pageerror', (error) => errors.push(error))
      return { page, errors }
    },
    async close() {
      await browser.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
