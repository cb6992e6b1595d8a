// A new refund with what a phone has: [data-scan] reads a code by the camera where the browser can, else it takes a picture
// for the server to read; [data-signature] is a canvas whose picture goes along as the file of its form's field "signature".
(() => {
  const scan = document.querySelector("[data-scan]");
  if (scan) {
    const dialog = document.getElementById("dlg-scan");
    const video = dialog.querySelector("video");
    const picture = document.querySelector("[data-scan-file]");
    const form = document.getElementById("find").form;
    let stream = null;
    const stop = () => {
      if (stream) stream.getTracks().forEach((track) => track.stop());
      stream = null;
    };
    dialog.addEventListener("close", stop);
    const look = async (detector) => {
      while (stream) {
        const found = video.readyState >= 2 ? await detector.detect(video).catch(() => []) : [];
        if (found.length && stream) {
          form.elements.q.value = found[0].rawValue.trim().slice(0, 64);
          dialog.close();
          form.requestSubmit();
          return;
        }
        await new Promise((again) => setTimeout(again, 150));
      }
    };
    scan.addEventListener("click", async () => {
      const camera = navigator.mediaDevices && navigator.mediaDevices.getUserMedia;
      if (!("BarcodeDetector" in window) || !camera) return picture.click();
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch {
        return picture.click();
      }
      video.srcObject = stream;
      dialog.showModal();
      await video.play().catch(() => {});
      look(new window.BarcodeDetector());
    });
    picture.addEventListener("change", () => picture.files.length && picture.form.submit());
  }

  const pad = document.querySelector("[data-signature]");
  if (!pad) return;
  const file = document.querySelector("[data-signature-file]");
  const agrees = document.querySelector("#new-refund [name=consent]");
  const pen = pad.getContext("2d");
  let last = null;
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, pad.width, pad.height);
    file.value = "";
  };
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * pad.width) / box.width, ((event.clientY - box.top) * pad.height) / box.height];
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = place(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = place(event);
    pen.lineWidth = 4;
    pen.lineCap = "round";
    pen.strokeStyle = "#111";
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  });
  const keep = () => {
    if (!last) return;
    last = null;
    pad.toBlob((blob) => {
      const kept = new DataTransfer();
      kept.items.add(new File([blob], "signature.png", { type: "image/png" }));
      file.files = kept.files;
      agrees.checked = true;
      agrees.dispatchEvent(new Event("change", { bubbles: true }));
    }, "image/png");
  };
  pad.addEventListener("pointerup", keep);
  pad.addEventListener("pointercancel", keep);
  document.querySelector("[data-signature-clear]").addEventListener("click", clear);
  clear();
})();
