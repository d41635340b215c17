// What can go wrong with a call, and how to say it to a person.

/** The API refused a call. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly description: string,
    /** Names of the parameters that were wrong. */
    readonly parameters: readonly string[] = [],
  ) {
    super(`${code} ${description}`)
    this.name = 'Refusal'
  }
}

/** The server could not be reached, or did not answer in its own language. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

const SESSION_ENDED = new Set([3, 4])
const MISSING_ACTION = new Set([111, 112])

export function endsSession(failure: unknown): boolean {
  return failure instanceof Refusal && SESSION_ENDED.has(failure.code)
}

/** Whether the API refused it with this code. */
export function refusedWith(failure: unknown, code: number): boolean {
  return failure instanceof Refusal && failure.code === code
}

/** Whether the server is one that does not know the action. */
export function isMissingAction(failure: unknown): boolean {
  return failure instanceof Refusal && MISSING_ACTION.has(failure.code)
}

const WORDS: Record<number, string> = {
  7: 'Please check what you typed.',
  8: 'The server is busy. Please try again in a moment.',
  11: 'This account is blocked. Please ask your administrator.',
  14: 'The server cannot reach its database. Please try again in a moment.',
  15: 'Too many requests. Please wait a few seconds and try again.',
  101: 'This is not available in the demo.',
  102: 'Wrong login or password.',
  103: 'This user is not activated yet.',
  104: 'Too many people are logged in. Please try again later.',
  105: 'Too many attempts to log in. Please try again later.',
  201: 'This tracker no longer exists.',
  208: 'This tracker is blocked.',
}

export function inWords(failure: unknown): string {
  if (failure instanceof Refusal) return WORDS[failure.code] ?? `${failure.description} (error ${failure.code}).`
  if (failure instanceof Unreachable) return 'The server cannot be reached. Please check the connection.'
  return 'Something unexpected went wrong.'
}
