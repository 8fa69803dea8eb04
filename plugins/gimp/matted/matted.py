#!/usr/bin/env python3
"""Matted in GIMP: what stands under Filters > Matted, each entry a procedure for scripts as well.

GIMP starts this file anew for every use. It registers the procedures (`entries`) and puts together what they
do: the layer is read (`pixels`), the engine is asked (`engine`), the result is written in one undo step.
`dialog` is imported for a person only: without a display it could not be.
"""

import json
import sys
import traceback
from functools import partial

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, GLib, GObject

import pixels
from engine import (
    POINTED,
    Engine,
    adjustments,
    corners,
    in_gimp,
    marks,
    mask_options,
    nothing_in,
    sentence_of,
)
from entries import (
    ABOUT,
    DECONTAMINATE,
    POINT,
    QUICK,
    REFINE,
    REMOVE,
    STATUS,
    SUBJECTS,
    cut_arguments,
    status_arguments,
)
from matted_client import ClientError, Uploaded
from pixels import Refused

MENU = "<Image>/Filters/Matted"
GRAVE = ("nothing-found", "low-confidence", "slower-device", *POINTED)


class Matted(Gimp.PlugIn):
    """What GIMP asks a plug-in for."""

    def do_set_i18n(self, _name):
        return False

    def do_query_procedures(self):
        return list(ABOUT)

    def do_create_procedure(self, name):
        label, blurb, explained = ABOUT[name]
        plugin = Gimp.PDBProcType.PLUGIN
        if name == STATUS:
            procedure = Gimp.Procedure.new(self, name, plugin, run_status, None)
            status_arguments(procedure)
        else:
            runs = {
                REMOVE: remove_background,
                QUICK: self.remove_again,
                REFINE: refine_mask,
                SUBJECTS: keep_subjects,
                POINT: point_out,
                DECONTAMINATE: decontaminate,
            }
            procedure = Gimp.ImageProcedure.new(self, name, plugin, _guarded(runs[name]), None)
            procedure.set_image_types("*")
            one, several = Gimp.ProcedureSensitivityMask.DRAWABLE, Gimp.ProcedureSensitivityMask.DRAWABLES
            procedure.set_sensitivity_mask(one if name in (SUBJECTS, POINT) else one | several)
            if name in (REMOVE, SUBJECTS, POINT):
                cut_arguments(procedure, name)
        procedure.set_menu_label(label)
        procedure.add_menu_path(MENU)
        procedure.set_documentation(blurb, explained, None)
        procedure.set_attribution("The Matted developers", "The Matted developers, Apache-2.0", "2026")
        return procedure

    def remove_again(self, _procedure, _mode, image, drawables, _config):
        """Remove Background as it was last done."""
        self.set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)  # the error is shown once, by us
        other = Gimp.get_pdb().lookup_procedure(REMOVE)
        config = other.create_config()
        config.set_property("run-mode", Gimp.RunMode.WITH_LAST_VALS)
        config.set_property("image", image)
        config.set_core_object_array("drawables", drawables)
        answer = other.run(config)
        status = answer.index(0)
        if status == Gimp.PDBStatusType.CANCEL:
            return False
        if status != Gimp.PDBStatusType.SUCCESS:
            raise Refused(answer.index(1) if answer.length() > 1 else "Remove Background failed.")
        return True


# ---------------------------------------------------------------------------------------- what entries do


def remove_background(procedure, mode, image, drawables, config):
    layers = pixels.layers_of(image, drawables)
    engine = Engine()
    if mode == Gimp.RunMode.INTERACTIVE:
        import dialog

        if not dialog.ask_options(procedure, config, "Remove Background", engine):
            return False
    prompts = None
    if config.get_property("selection") == "box":
        prompts = [box and {"box": box} for box in map(pixels.selection_box, layers)]
    missing = "No subject was found where the selection is."
    _cut(engine, layers, config, mode, prompts=prompts, missing=missing)
    return True


def keep_subjects(procedure, mode, image, drawables, config):
    layers = pixels.layers_of(image, drawables)
    if len(layers) > 1:
        raise Refused("Subjects are chosen one layer at a time. Select a single layer.")
    engine = Engine()
    if mode == Gimp.RunMode.INTERACTIVE:
        import dialog

        planes, options = pixels.Pixels(layers[0]).planes, mask_options(config)
        found = engine.ask(lambda client, job: client.subjects(client.upload(planes), options, job=job))
        if not found:
            raise Refused(f"No subject was found in the layer “{layers[0].get_name()}”.")
        if not dialog.choose_subjects(procedure, config, layers[0], found):
            return False
    _cut(engine, layers, config, mode)
    return True


def point_out(procedure, mode, image, drawables, config):
    layers = pixels.layers_of(image, drawables)
    if len(layers) > 1:
        raise Refused("Subjects are pointed at one layer at a time. Select a single layer.")
    [layer] = layers
    if config.get_property("output") == "mask":
        pixels.check_unlocked(layer)
    engine, held = Engine(), ()
    if mode == Gimp.RunMode.INTERACTIVE:
        import pointing

        held = pointing.point_out(procedure, config, layer, engine)
        if held is None:
            return False
    prompt = pixels.prompt_on(
        layer,
        marks(config.get_property("points")),
        corners(config.get_property("box")),
        by_selection=config.get_property("selection") == "box",
    )
    _cut(engine, layers, config, mode, prompts=[prompt], held=held)
    return True


def _cut(engine, layers, config, mode, *, prompts=None, missing=None, held=()):
    """Asks for the mask of every layer, then writes them all: if one fails, nothing was changed.

    `prompts`: what was pointed at in each layer, or None; `missing`: what to say where nothing was there,
    instead of the engine's own words; `held`: pictures that were uploaded before, or None. The selection
    limits the mask unless it is the box of the prompt.
    """
    output, existing = config.get_property("output"), config.get_property("existing")
    options = {**mask_options(config), "adjust": adjustments(config)}
    if output == "mask":
        for layer in layers:
            pixels.check_unlocked(layer)
    made = []
    as_box = prompts is not None and config.get_property("selection") == "box"
    for number, layer in enumerate(layers):
        prompt = prompts[number] if prompts else None
        if output == "layer" and layer.is_indexed():
            raise _palette(layer)
        picture = pixels.Pixels(layer)
        limit = None if as_box else pixels.selection_of(layer)
        ask = partial(
            masked,
            planes=as_held(picture.planes, held),
            options={**options, "prompt": prompt} if prompt else options,
            missing=missing,
            limit=as_held(limit, held),
            clean=output == "layer" and config.get_property("decontaminate"),
        )
        kept = picture if output == "layer" else None
        made.append((layer, kept, limit is not None, *engine.ask(ask)))
    with _one_step(layers[0].get_image()):
        for number, (layer, picture, limited, wish, mask, colours) in enumerate(made):
            if output == "mask":
                pixels.set_mask(layer, mask, wish, existing, limited=limited)
            elif output == "selection":
                pixels.select(layer, mask, adding=number > 0)
            elif output == "channel":
                pixels.add_channel(layer, mask)
            else:
                data = picture.planes.data if colours is None else picture.recoloured(colours)
                new = pixels.add_layer(layer, picture, data, f"{layer.get_name()} cut-out")
                if existing == "intersect" and layer.get_mask() is not None:
                    pixels.copy_mask(layer, new)
                pixels.set_mask(new, mask, wish, existing, limited=limited)
    _tell([mask for *_, mask, _ in made], mode)


def masked(client, job, *, planes, options, missing, limit, clean):
    """The options that were asked for, the mask, and clean colours if wanted."""
    picture = _uploaded(client, planes)
    limit = limit and _uploaded(client, limit)
    mask = client.mask(picture, options, limit=limit, job=job)
    if "prompt" in options and (nothing := nothing_in(mask, limited=limit is not None)):
        raise Refused(missing or nothing)
    return options, mask, client.foreground(picture, options, limit=limit) if clean else None


def as_held(planes, held):
    """What the engine holds of exactly these planes, or they themselves: a person may have painted since."""
    return next((one for one in held if one and one.source == planes), planes)


def _uploaded(client, planes):
    return planes if isinstance(planes, Uploaded) else client.upload(planes)


def refine_mask(_procedure, mode, image, drawables, _config):
    layers = pixels.layers_of(image, drawables)
    for layer in layers:
        if layer.get_mask() is None:
            raise Refused(
                f"The layer “{layer.get_name()}” has no mask to refine. Remove its background first."
            )
        pixels.check_unlocked(layer)
    engine = Engine()
    made = []
    for layer in layers:
        planes, mask = pixels.Pixels(layer).planes, layer.get_mask()
        options = pixels.made_with(mask)
        brush = {
            "painted": pixels.mask_plane(mask),
            "made": pixels.made_plane(mask),
            "guide": pixels.selection_of(layer),
        }
        made.append((mask, engine.ask(partial(_refined, planes=planes, options=options, brush=brush))))
    with _one_step(image):
        for mask, answer in made:
            pixels.change_mask(mask, answer)
    _tell([answer for _, answer in made], mode)
    return True


def _refined(client, job, *, planes, options, brush):
    return client.refine(client.upload(planes), options=options, job=job, **brush)


def decontaminate(_procedure, mode, image, drawables, _config):
    layers = pixels.layers_of(image, drawables)
    engine = Engine()
    made = []
    for layer in layers:
        if layer.is_indexed():
            raise _palette(layer)
        if layer.get_mask() is None and not layer.has_alpha():
            raise Refused(
                f"The layer “{layer.get_name()}” has neither a mask nor transparency, so it has no soft "
                "edges. Remove its background first."
            )
        picture = pixels.Pixels(layer)
        seen = picture if layer.get_mask() is None else pixels.with_mask_applied(layer, picture)
        made.append((layer, picture, engine.ask(partial(_cleaned, planes=seen.planes))))
    with _one_step(image):
        for layer, picture, colours in made:
            data = picture.recoloured(colours)
            new = pixels.add_layer(layer, picture, data, f"{layer.get_name()} clean")
            if layer.get_mask() is not None:
                pixels.copy_mask(layer, new)
    _tell([colours for _, _, colours in made], mode)
    return True


def _cleaned(client, job, *, planes):
    return client.foreground(planes, {"foreground": {"alpha": "own"}}, job=job)


def run_status(procedure, config, _data):
    action, model = config.get_property("action"), config.get_property("model")
    try:
        if config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE:
            import dialog

            dialog.show_status()
            action = "show"
        found = None
        try:
            client = Engine(start=action in ("start", "pull")).client()
        except ClientError:
            if action in ("start", "pull"):
                raise
        else:
            if action == "pull":
                Gimp.progress_init(f"Matted: downloading {model}")
                for event in client.pull(model, accept_licence=config.get_property("accept-licence")):
                    Gimp.progress_update(event.get("done", 0) / (event.get("total") or 1))
            found = {**client.status(), "installed": [m["id"] for m in client.models() if m["installed"]]}
            if action == "stop":
                client.shutdown()
                found = None
    except ClientError as error:
        return _failed(procedure, sentence_of(error))
    answer = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    answer.remove(1)
    answer.insert(1, GObject.Value(GObject.TYPE_STRING, json.dumps(found)))
    return answer


# ------------------------------------------------------------------------------------------------- inside


def _guarded(run):
    """`run` as GIMP calls it: what goes wrong becomes one sentence, False becomes cancelled."""

    def guarded(procedure, mode, image, drawables, config, _data):
        Gegl.init(None)
        try:
            done = run(procedure, mode, image, drawables, config)
        except Refused as error:
            return _failed(procedure, str(error))
        except ClientError as error:
            return _failed(procedure, sentence_of(error))
        except Exception as error:
            traceback.print_exc()
            return _failed(procedure, f"Matted failed, which is a mistake in it: {error!r}.")
        finally:
            Gimp.displays_flush()
        ended = Gimp.PDBStatusType.SUCCESS if done else Gimp.PDBStatusType.CANCEL
        return procedure.new_return_values(ended, None)

    return guarded


class _one_step:  # noqa: N801 (reads as a statement)
    """All changes within are undone at once; the layers stay selected."""

    def __init__(self, image):
        self._image = image

    def __enter__(self):
        self._selected = self._image.get_selected_layers()
        self._image.undo_group_start()

    def __exit__(self, *_):
        if self._selected and self._image.get_selected_channels():
            self._image.set_selected_layers(self._selected)
        self._image.undo_group_end()


def _palette(layer):
    return Refused(
        f"The layer “{layer.get_name()}” has a palette, which clean colours do not fit. Choose "
        "Image > Mode > RGB first, or make a layer mask."
    )


def _tell(answers, mode):
    """Shows a person the graver of the engine's warnings, and a script all of them."""
    warnings = [warning for answer in answers for warning in answer.warnings]
    told = {in_gimp(warning["sentence"]): warning["code"] for warning in warnings}
    if mode == Gimp.RunMode.NONINTERACTIVE:
        sys.stderr.writelines(f"{sentence}\n" for sentence in told)
    elif grave := [sentence for sentence, code in told.items() if code in GRAVE]:
        Gimp.message("\n".join(grave))


def _failed(procedure, sentence):
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


if __name__ == "__main__":
    Gimp.main(Matted.__gtype__, sys.argv)
