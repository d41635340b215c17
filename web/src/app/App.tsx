// Which of the two pages there is: the door, or the console behind it.

import { useCallback, useEffect, useState } from 'react'
import { FleetProvider } from '../fleet/FleetContext'
import { LoginPage } from '../session/LoginPage'
import { forget, logOut, onForgottenElsewhere, savedHash } from '../session/session'
import { Console } from './Console'

export function App() {
  const [hash, setHash] = useState(savedHash)
  const [notice, setNotice] = useState<string | null>(null)

  const leave = useCallback((why: string | null) => {
    forget()
    setNotice(why)
    setHash(null)
  }, [])
  const onSessionEnd = useCallback(() => leave('Your session has ended. Please log in again.'), [leave])
  useEffect(() => onForgottenElsewhere(() => leave(null)), [leave])

  if (hash === null) return <LoginPage notice={notice} onLoggedIn={setHash} />
  const onLogOut = () => {
    logOut(hash)
    leave(null)
  }
  return (
    <FleetProvider key={hash} hash={hash} onSessionEnd={onSessionEnd}>
      <Console hash={hash} onLogOut={onLogOut} />
    </FleetProvider>
  )
}
