"use strict";
// What the pages of `otomask serve` share: asking the server, saying what it refuses, playing sound.
otomask.serve = (() => {
  const mark = { "X-OtoMask": "1" }; // no form of another page can send it

  const address = (path, query) => query ? `${path}?${new URLSearchParams(query)}` : path;

  /** The answer to a question, or an Error with what the server says against it. */
  async function ask(path, query, options) {
    let answer;
    try {
      answer = await fetch(address(path, query), options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error(`the server does not answer (${error.message})`, { cause: error });
    }
    if (!answer.ok) throw new Error((await answer.text()) || `the server refuses (${answer.status})`);
    return answer;
  }

  const json = async (path, query, options) => (await ask(path, query, options)).json();
  const post = (path, query, body) => ask(path, query, { method: "POST", headers: mark, body });

  /** Does something; where it fails, says why at the top of the page. True where it did not. */
  async function tryTo(act) {
    const refused = document.getElementById("refused");
    const tell = why => { refused.hidden = !why; refused.firstElementChild.textContent = why; };
    tell("");
    try {
      await act();
      return true;
    } catch (error) {
      if (error.name !== "AbortError") tell(error.message);
      return false;
    }
  }

  const number = (value, digits = 4) => value === undefined || value === null ? "–" : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : `${Number(value.toPrecision(digits))}`;

  /** One sound at a time: a button that plays says so, and stops it when it is pressed again. */
  const player = (() => {
    const audio = new Audio(), listeners = [];
    let current = null, frame = 0;
    const tell = () => listeners.forEach(listen => listen(current && { button: current, place: audio.currentTime }));
    const follow = () => { tell(); frame = requestAnimationFrame(follow); };
    const end = () => {
      cancelAnimationFrame(frame);
      current?.setAttribute("aria-pressed", "false");
      current = null;
      tell();
    };
    audio.addEventListener("ended", end);
    return {
      /** Plays what an address gives; `button` shows it. */
      async play(button, path, query) {
        const again = current === button;
        audio.pause();
        end();
        if (again) return;
        current = button;
        button.setAttribute("aria-pressed", "true");
        try {
          const sound = await (await ask(path, query)).blob(); // what is refused is told, which an audio element would not
          if (current !== button) return;
          URL.revokeObjectURL(audio.src);
          audio.src = URL.createObjectURL(sound);
          await audio.play();
          follow();
        } catch (error) {
          if (current === button) end();
          throw error;
        }
      },
      stop() { audio.pause(); end(); },
      /** Is told where the sound is: { button, place in seconds }, or null when it is silent. */
      listen(listener) { listeners.push(listener); },
    };
  })();

  /** A button that plays. */
  const playButton = (text, label, address) => {
    const button = Object.assign(otomask.element("button", "small play", text), { type: "button" });
    button.setAttribute("aria-label", label);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => tryTo(() => player.play(button, ...address())));
    return button;
  };

  return { ask, json, post, tryTo, number, player, playButton };
})();
