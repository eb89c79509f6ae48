import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "app/ui/strings.js";

const QUIET_MS = 150;

/** False for the first moments, so that quick answers show no skeleton. */
function useLate() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  return late;
}

/** The boxes of chat rows before there are any. */
export function ListSkeleton() {
  const late = useLate();
  return html`<div class="rows" aria-busy="true">
    <span class="visually-hidden">${t("list.loading")}</span>
    ${late && [1, 2, 3, 4, 5].map(() => html`<div class="skeleton-row">
      <span class="skeleton skeleton-avatar"></span>
      <span><span class="skeleton skeleton-line skeleton-line-short"></span><span class="skeleton skeleton-line"></span></span>
    </div>`)}
  </div>`;
}

/** The boxes of messages before there are any. */
export function TimelineSkeleton() {
  const late = useLate();
  return html`<div class="timeline" aria-busy="true"><div class="timeline-inner">
    <span class="visually-hidden">${t("conv.older.loading")}</span>
    ${late && html`<span class="skeleton skeleton-bubble"></span><span class="skeleton skeleton-bubble skeleton-bubble-own"></span><span class="skeleton skeleton-bubble"></span>`}
  </div></div>`;
}
