"""What stands in the menu and in the procedure browser: labels, documentation, arguments and their choices.

Imports GIMP to declare arguments. Knows nothing of what the procedures do.
"""

from gi.repository import Gimp, GObject

REMOVE, QUICK = "matted-remove-background", "matted-remove-background-quick"
REFINE, SUBJECTS = "matted-refine-mask", "matted-subjects"
POINT = "matted-point"
DECONTAMINATE, STATUS = "matted-decontaminate-edges", "matted-status"

ABOUT = {
    REMOVE: (
        "Remove Background…",
        "Find the subject of each selected layer and mask the rest",
        "A model on this computer looks at each of the layers. What it finds becomes a layer mask, the "
        "selection, a channel, or a new layer with clean colours. The layers' own pixels stay as they are. "
        "The selection counts as the limit of the result, or as the box around the subject that is meant.",
    ),
    QUICK: (
        "Remove Background",
        "Remove the background of each selected layer with the settings last used",
        f"The same as {REMOVE} with the values last used in its dialog.",
    ),
    REFINE: (
        "Refine Mask",
        "Let the layer mask follow what was painted on it",
        "What was painted white or black on the mask stays, and the correction follows the object's edge "
        "from there; what was painted gray is found again. With a selection, it alone is found again and "
        "changed.",
    ),
    SUBJECTS: (
        "Subjects…",
        "Choose which subjects of the layer to keep",
        "Lists the subjects of the layer, largest first, and makes a layer mask or another result of those "
        "that are chosen.",
    ),
    POINT: (
        "Point at the Subject…",
        "Click on what to keep of the layer, and on what not",
        "Shows the layer in a window to click in, as close as one likes: left for what is wanted, right for "
        "what is not, a box by dragging. For scripts: what `points` and `box` point at, in pixels of the "
        "image; without either, the image's sample points are what is wanted. Makes a layer mask or another "
        "result of it.",
    ),
    DECONTAMINATE: (
        "Decontaminate Edges",
        "Free soft edges of the old background's colour",
        "Makes a new layer with the subject's own colours where the mask, or the layer's transparency, is "
        "soft, under a copy of the mask. The layer itself is kept and hidden.",
    ),
    STATUS: (
        "Matted Status…",
        "See, start and stop the engine, and download models",
        "Tells whether the engine is running, on which device, and which models are there. For scripts: does "
        "what `action` says and returns what the engine says of itself, as JSON.",
    ),
}

SUBJECT = {
    "any": "Any",
    "people": "People",
    "products": "Products",
    "animals": "Animals",
    "cars": "Cars",
    "hair": "Hair and fur",
    "structures": "Fine structures",
    "anime": "Anime",
    "concealed": "Camouflaged",
}
EDGES = {
    "fine": "Fine (hair and fur)",
    "fast": "Fast",
    "neural": "Matting model",
    "none": "As the model draws them",
}
OUTPUT = {
    "mask": "Layer mask",
    "selection": "Selection",
    "channel": "Channel",
    "layer": "New layer under a mask",
}
EXISTING = {
    "keep": "Keep it as a channel",
    "intersect": "Intersect with it",
    "replace": "Replace it",
}
SELECTION = {
    "limit": "Limits the result",
    "box": "Shows which subject is meant",
}
ACTION = {"show": "Show", "start": "Start the engine", "stop": "Stop the engine", "pull": "Download a model"}


def cut_arguments(procedure, name):
    readwrite = GObject.ParamFlags.READWRITE
    keep = "all, largest, or numbers from the list of subjects, such as 1,3"
    procedure.add_string_argument("model", "_Model", "auto, or a model's id", "auto", readwrite)
    _choice(procedure, "subject", "S_ubject", "What the model should be good at, with auto", SUBJECT)
    _choice(procedure, "edges", "_Edges", "How edges are brought to the layer's resolution", EDGES)
    procedure.add_string_argument("keep", "Kee_p", keep, "all", readwrite)
    grow = "Moves the outline outward, or inward where negative, in pixels"
    procedure.add_double_argument("grow", "_Grow", grow, -200, 200, 0, readwrite)
    feather = "Softens the outline, in pixels"
    procedure.add_double_argument("feather", "_Feather", feather, 0, 500, 0, readwrite)
    _choice(procedure, "output", "M_ake", "What to make", OUTPUT)
    clean = "Free soft edges of the old background's colour, in a new layer"
    procedure.add_boolean_argument("decontaminate", "_Decontaminate edges", clean, True, readwrite)
    _choice(procedure, "existing", "Old mas_k", "What becomes of a mask the layer has", EXISTING)
    if name in (REMOVE, POINT):
        _choice(procedure, "selection", "Selec_tion", "What the selection means", SELECTION)
    if name == POINT:
        points = (
            "x,y of what is wanted and x,y,0 of what is not, such as 120,80 300,40,0; in pixels of the image"
        )
        procedure.add_string_argument("points", "_Points", points, "", readwrite)
        box = "left,top,right,bottom around what is wanted, in pixels of the image"
        procedure.add_string_argument("box", "_Box", box, "", readwrite)


def status_arguments(procedure):
    readwrite = GObject.ParamFlags.READWRITE
    mode = "Interactive shows the dialog"
    procedure.add_enum_argument(
        "run-mode", "Run mode", mode, Gimp.RunMode, Gimp.RunMode.NONINTERACTIVE, readwrite
    )
    _choice(procedure, "action", "Action", "What to do", ACTION)
    procedure.add_string_argument("model", "Model", "The id of the model to download", "", readwrite)
    accept = "Accept the licence of a model that forbids commercial use"
    procedure.add_boolean_argument("accept-licence", "Accept the licence", accept, False, readwrite)
    status = "What the engine says of itself; null if it does not run"
    procedure.add_string_return_value("status", "Status", status, "", readwrite)


def _choice(procedure, name, nick, blurb, labels):
    choice = Gimp.Choice.new()
    for number, (value, label) in enumerate(labels.items()):
        choice.add(value, number, label, "")
    first = next(iter(labels))
    procedure.add_choice_argument(name, nick, blurb, choice, first, GObject.ParamFlags.READWRITE)
