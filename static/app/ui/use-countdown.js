import { useEffect, useState } from "preact/hooks";

/** @param {number | null} until */
function left(until) {
  return until === null ? 0 : Math.max(0, Math.ceil((until - Date.now()) / 1000));
}

/**
 * Whole seconds left until a moment, counted down, 0 when it has come.
 * @param {number | null} until this device's clock, ms
 * @returns {number}
 */
export function useCountdown(until) {
  const [, tick] = useState(0);
  const seconds = left(until);
  useEffect(() => {
    if (until === null || until <= Date.now()) return undefined;
    const timer = setInterval(() => {
      tick((n) => n + 1);
      if (until <= Date.now()) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [until]);
  return seconds;
}
