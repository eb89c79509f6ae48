import { useSignal } from "@preact/signals";
import { html } from "htm/preact";
import { useEffect } from "preact/hooks";
import { useApp } from "app/ui/context.js";
import { confirm } from "app/ui/confirm-dialog.js";
import { errorText } from "app/ui/error-text.js";
import { Icon } from "app/ui/icon.js";
import { t } from "app/ui/strings.js";
import { dateOf, dateTimeOf } from "app/ui/times.js";

/** @typedef {import("app/services/account.js").Device} Device */

/** @param {{ device: Device, onEnd?: () => void }} props */
function DeviceLine({ device, onEnd }) {
  const name = device.device || t("set.devices.unknown");
  const small = /iphone|android|phone|mobile|ipad/i.test(device.user_agent || name);
  const facts = [
    device.current ? t("set.devices.since", { date: dateOf(device.created_at) }) : t("set.devices.active", { date: dateTimeOf(device.last_used_at) }),
    device.address && t("set.devices.address", { address: device.address }),
  ].filter(Boolean);
  return html`<li class=${`device${device.current ? " device-current" : ""}`}>
    <span class="device-icon"><${Icon} name=${small ? "smartphone" : "laptop"} /></span>
    <div class="grow">
      <h4><bdi>${name}</bdi></h4>
      <p>${facts.join(" · ")}</p>
      ${device.current && html`<p>${t("set.devices.stored")}</p>`}
    </div>
    ${onEnd && html`<button class="button button-secondary button-small" type="button" onClick=${onEnd}
      aria-label=${t("set.devices.signout.name", { device: name })}>${t("set.devices.signout")}</button>`}
  </li>`;
}

/** Everywhere this person is signed in. */
export function SettingsDevices() {
  const app = useApp();
  const devices = useSignal(/** @type {Device[] | null} */ (null));
  const error = useSignal("");
  const load = async () => {
    error.value = "";
    try {
      devices.value = await app.devices.list();
    } catch (reason) {
      error.value = `${t("set.devices.failed")} ${errorText(reason)}`;
    }
  };
  useEffect(() => { load(); }, [app]);

  /** @param {Device} device */
  const askToEnd = (device) => confirm({
    title: t("set.devices.sure", { device: device.device || t("set.devices.unknown") }),
    body: t("set.devices.sure.body"),
    confirm: t("set.devices.signout"),
    action: async () => {
      await app.devices.end(device.id);
      devices.value = devices.value?.filter(({ id }) => id !== device.id) ?? null;
    },
  });
  const askToEndOthers = () => confirm({
    title: t("set.devices.all.sure"),
    body: t("set.devices.sure.body"),
    confirm: t("set.devices.all"),
    action: async () => {
      await app.devices.endOthers();
      devices.value = devices.value?.filter(({ current }) => current) ?? null;
    },
  });

  if (error.value) {
    return html`<div class="page-section">
      <p class="field-error" role="alert"><${Icon} name="circle-alert" size=${16} />${error.value}</p>
      <div><button class="button button-secondary" type="button" onClick=${load}>${t("error.again")}</button></div>
    </div>`;
  }
  if (!devices.value) return html`<div class="page-section" aria-busy="true"><span class="skeleton skeleton-bubble"></span></div>`;
  const others = devices.value.filter((device) => !device.current);
  return html`
    <section class="page-section"><h3>${t("set.devices.this")}</h3>
      <ul class="devices">${devices.value.filter((device) => device.current).map((device) => html`<${DeviceLine} key=${device.id} device=${device} />`)}</ul>
    </section>
    <section class="page-section">
      <div class="page-line"><h3>${t("set.devices.others")}</h3>
        ${others.length > 1 && html`<button class="button button-danger-line button-small" type="button" onClick=${askToEndOthers}>${t("set.devices.all")}</button>`}
      </div>
      ${others.length === 0
        ? html`<p class="field-hint">${t("set.devices.none")}</p>`
        : html`<ul class="devices">${others.map((device) => html`<${DeviceLine} key=${device.id} device=${device} onEnd=${() => askToEnd(device)} />`)}</ul>`}
    </section>`;
}
