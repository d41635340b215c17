// Calls of the API: JSON over POST, the session in a header so that it never stands in a URL.

import { Refusal, Unreachable } from './failure'
import type { ActionName, Answer, Parameters } from './types'

interface RefusedBody {
  success: false
  status: { code: number; description: string }
  errors?: { parameter: string; error: string }[]
}

export async function call<Name extends ActionName>(
  action: Name,
  parameters: Parameters<Name>,
  hash: string | null,
  signal?: AbortSignal,
): Promise<Answer<Name>> {
  const body = await post(`/v2/${action}`, parameters, hash, signal)
  if (isRefused(body)) {
    const { code, description } = body.status
    throw new Refusal(
      code,
      description,
      body.errors?.map(({ parameter }) => parameter),
    )
  }
  return body as Answer<Name>
}

async function post(url: string, parameters: object, hash: string | null, signal?: AbortSignal): Promise<unknown> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json', 'NVX-ISO-DateTime': 'true' }
  if (hash !== null) headers['Authorization'] = `NVX ${hash}`
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(parameters),
      ...(signal && { signal }),
    })
    return await response.json()
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Unreachable('no answer of the API', { cause })
  }
}

function isRefused(body: unknown): body is RefusedBody {
  return typeof body === 'object' && body !== null && 'success' in body && body.success === false
}
