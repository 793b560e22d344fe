/** React hooks around work on the server that may fail. */

import * as React from 'react';
import type { Known } from './workbench';

/** Fetch at once, when `key` changes, and every so often when `everyMs` is given. */
export function useReply<T>(fetch: () => Promise<T>, key: string, everyMs?: number): Known<T> {
  const [known, setKnown] = React.useState<Known<T>>({ value: null, problem: null });
  const latest = React.useRef(fetch);
  latest.current = fetch;
  React.useEffect(() => {
    let isLate = false;
    const set = (value: React.SetStateAction<Known<T>>): void => {
      if (!isLate) {
        setKnown(value);
      }
    };
    const look = async (): Promise<void> => {
      try {
        const value = await latest.current();
        set({ value, problem: null });
      } catch (error) {
        set(last => ({ value: last.value, problem: sentence(error) }));
      }
    };
    void look();
    const timer = everyMs === undefined ? undefined : window.setInterval(() => void look(), everyMs);
    return () => {
      isLate = true;
      window.clearInterval(timer);
    };
  }, [key, everyMs]);
  return known;
}

/** Give a value once it has rested: what is being typed is asked for when the typing stops. */
export function useRested<T>(value: T, restMs = 400): T {
  const [rested, setRested] = React.useState(value);
  React.useEffect(() => {
    const timer = window.setTimeout(() => {
      setRested(value);
    }, restMs);
    return () => {
      window.clearTimeout(timer);
    };
  }, [value, restMs]);
  return rested;
}

/** Run something that may fail, and hold whether it runs and the sentence it failed with. */
export function useAttempt(): [boolean, string | null, (work: () => Promise<void>) => void] {
  const [busy, setBusy] = React.useState(false);
  const [problem, setProblem] = React.useState<string | null>(null);
  const attempt = (work: () => Promise<void>): void => {
    setBusy(true);
    setProblem(null);
    work()
      .catch((error: unknown) => {
        setProblem(sentence(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  return [busy, problem, attempt];
}

/** What an error says to a person. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
