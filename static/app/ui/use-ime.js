import { useMemo } from "preact/hooks";

/**
 * Whether an input method is composing. Safari fires keydown after `compositionend`, so the flag
 * falls one task later.
 */
export function useIme() {
  return useMemo(() => {
    let composing = false;
    return {
      handlers: {
        onCompositionStart: () => { composing = true; },
        onCompositionEnd: () => { setTimeout(() => { composing = false; }, 0); },
      },
      /** @param {KeyboardEvent} event */
      isComposing: (event) => composing || event.isComposing || event.keyCode === 229,
    };
  }, []);
}
