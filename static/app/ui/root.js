import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { AppContext, useSelect } from "app/ui/context.js";
import { OverlayRoot } from "app/ui/overlay-root.js";
import { Register } from "app/ui/register.js";
import { navigate, route } from "app/ui/router.js";
import { Shell } from "app/ui/shell.js";
import { SignIn } from "app/ui/sign-in.js";
import { SignedOut } from "app/ui/signed-out.js";

/** @type {Record<string, import("preact").ComponentType<{ wanted: string }>>} */
const OUTSIDE = { "sign-in": SignIn, "register": Register, "signed-out": SignedOut };

/** Where a person goes after signing in: back to where they wanted to be. */
const wanted = { path: "/" };

function Screen() {
  const signedIn = useSelect((state) => state.user !== null);
  const { name, path } = route.value;
  const outside = OUTSIDE[name];
  useEffect(() => {
    // The route may have moved on since this was drawn.
    const now = route.peek();
    if (now.name === "signed-out") wanted.path = "/";
    if (signedIn && now.name in OUTSIDE) navigate(wanted.path, { replace: true });
    else if (!signedIn && !(now.name in OUTSIDE)) {
      wanted.path = now.path;
      navigate("/sign-in", { replace: true });
    }
  }, [signedIn, path]);
  if (signedIn) return outside ? null : html`<${Shell} />`;
  return outside ? html`<${outside} wanted=${wanted.path} />` : null;
}

/** The whole interface. @param {{ app: import("app/services/app.js").App }} props */
export function Root({ app }) {
  return html`<${AppContext.Provider} value=${app}><${Screen} /><${OverlayRoot} /><//>`;
}
