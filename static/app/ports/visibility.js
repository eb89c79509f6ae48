/** @returns {import("./types.js").Visibility} */
export function browserVisibility() {
  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {() => void} callback
   */
  const on = (target, type, callback) => {
    target.addEventListener(type, callback);
    return () => target.removeEventListener(type, callback);
  };
  const visible = () => document.visibilityState === "visible";
  return {
    visible,
    online: () => navigator.onLine !== false,
    onReturn(callback) {
      const offs = [
        on(window, "online", callback),
        on(document, "visibilitychange", () => { if (visible()) callback(); }),
        on(window, "pageshow", callback),
      ];
      return () => offs.forEach((off) => off());
    },
    onOffline: (callback) => on(window, "offline", callback),
    onHide(callback) {
      const offs = [
        on(window, "pagehide", callback),
        on(document, "visibilitychange", () => { if (!visible()) callback(); }),
      ];
      return () => offs.forEach((off) => off());
    },
  };
}
