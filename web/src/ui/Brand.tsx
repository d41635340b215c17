// The mark and the name.

export function Brand() {
  return (
    <span className="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" className="brand-ground" />
        <path d="M16 6.5 24 25l-8-4.2L8 25z" fill="#fff" />
      </svg>
      Outrider
    </span>
  )
}
