import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Part } from './part.ts'
import { runProgram } from './spawn.ts'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** The TypeScript tests: unit, integration, interoperability, end to end. */
export const vitest = (
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Part => ({
  name: 'vitest',
  async run() {
    const dir = mkdtempSync(join(tmpdir(), 'vitest-'))
    const file = join(dir, 'report.json')
    const args = ['run', ...options, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code, output } = await runProgram('vitest', args, { NO_COLOR: '1', ...env })
    try {
      const report = JSON.parse(readFileSync(file, 'utf8')) as Report
      if (code !== 0) console.log(output)
      const tests = report.testResults.flatMap((suite) => suite.assertionResults)
      const brokenSuites = report.testResults.filter(
        (s) => s.status === 'failed' && !s.assertionResults.length,
      )
      const failed = report.numFailedTests + brokenSuites.length
      return {
        passed: report.numPassedTests,
        failed: code !== 0 && failed === 0 ? 1 : failed,
        skips: tests.filter((t) => t.status === 'skipped' || t.status === 'pending').map((t) => t.fullName),
      }
    } catch {
      console.log(output)
      return { passed: 0, failed: 1, skips: [] }
    } finally {
      rmSync(dir, { recursive: true })
    }
  },
})
