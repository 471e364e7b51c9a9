/** What looks like personal data or a secret. */
export type SensitiveKind = keyof typeof PATTERNS

/** Each in linear time: quantifiers that stand beside each other never match the same characters. */
const PATTERNS = {
  email: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/,
  phone: /(?<![\w+])\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}(?!\w)/,
  card: /(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w)/g,
  iban: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g,
  social_security: /\b\d{3}-\d{2}-\d{4}\b/,
  private_key: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----|\b0x[0-9a-fA-F]{64}\b/,
  api_key:
    /\b(?:(?:app-)?sk-[\w-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|github_pat_\w{22}|xox[abprs]-[\w-]{10}|AIza[\w-]{35}|hf_[A-Za-z0-9]{30})/,
  access_token: /\beyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{10}/,
  password: /\b(?:password|passwd|pwd|passphrase)\s{0,3}[:=]\s{0,3}\S{6}/i,
} as const

/** Kinds whose matches are numbers that carry a check digit. */
const CHECKS: Partial<Record<SensitiveKind, (match: string) => boolean>> = { card: isCard, iban: isIban }

/** What a text seems to contain. Never the content itself. */
export function sensitiveKinds(text: string): SensitiveKind[] {
  return (Object.keys(PATTERNS) as SensitiveKind[]).filter((kind) => {
    const check = CHECKS[kind]
    return check ? (text.match(PATTERNS[kind]) ?? []).some(check) : PATTERNS[kind].test(text)
  })
}

/** Luhn's check digit. */
function isCard(match: string): boolean {
  const digits = match.replace(/\D/g, '')
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits.at(-1 - i))
    const weighed = i % 2 ? 2 * digit : digit
    sum += weighed > 9 ? weighed - 9 : weighed
  }
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits)
}

/** ISO 13616: the number, turned and with letters as numbers, is 1 modulo 97. */
function isIban(match: string): boolean {
  const plain = match.replaceAll(' ', '')
  const turned = plain.slice(4) + plain.slice(0, 4)
  const digits = turned.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55))
  return BigInt(digits) % 97n === 1n
}
