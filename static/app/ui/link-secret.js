import { useEffect, useState } from "preact/hooks";

/**
 * What stands after the # of a link from an e-mail. It is taken out of the address bar at once, so
 * that it stays in no history and no bookmark.
 * @returns {string}
 */
export function useLinkSecret() {
  const [secret] = useState(() => {
    const found = decodeURIComponent(location.hash.slice(1));
    if (found) history.replaceState(history.state, "", location.pathname);
    return found;
  });
  // Another link, put into the address bar of this very page, loads nothing by itself.
  useEffect(() => {
    const again = () => location.reload();
    addEventListener("hashchange", again);
    return () => removeEventListener("hashchange", again);
  }, []);
  return secret;
}
