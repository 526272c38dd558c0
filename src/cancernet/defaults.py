"""Every default in one place, with its unit and its reason."""

PATCH_SIZE = 50  # px; the public IDC set is cut into 50x50 px patches
MIN_PATCH_SIDE = 25  # px; below half a patch, padding would invent more tissue than there is
MPP = 4.0  # um/px; 0.25 um/px (40x) reduced 16 times
CLASS_NAMES = ("benign", "malignant")  # index is the label

MAX_FILE_BYTES = 64_000_000  # bytes; a patch has about 6,000, so a larger file is a slide or a mistake
MAX_PIXELS = 64_000_000  # px; 200 MB as RGB: stops a small file that unpacks to gigabytes
WHITE_LEVEL = 200  # mean grey level (0-255) above which, with little contrast, a patch is near-white
WHITE_SPREAD = 12  # grey-level standard deviation below which a bright patch holds no tissue; flags 0.4 % of IDC

SEED = 1
TEST_FRACTION = 0.2  # share of patches (by patient) that a grouped split tests on
VAL_FRACTION = 0.2  # share of patches (by patient) that choose epochs and thresholds

TARGET_RECALL = 0.95  # the recall of malignant patches that the operating threshold is chosen for
DEFAULT_THRESHOLD = 0.5
BOOTSTRAP_SAMPLES = 1000  # resamples of patients; interval ends are stable to about 0.002
CONFIDENCE = 0.95
CALIBRATION_BINS = 15  # equal-width bins of expected calibration error (Guo et al. 2017)

SAMPLE_PATIENTS = 24  # of the synthetic sample; enough to keep apart in three groups
SAMPLE_PATCHES_PER_PATIENT = 120  # of the synthetic sample; the sections draw in a few seconds
MAX_PER_PATIENT = 1000  # training patches; the mean of the public set, whose patients hold 63 to 2,395

NEAR_BITS = 5  # of 64; a patch saved again with loss differs in 0 to 4, unrelated tissue in about 32
NEAR_CORRELATION = 0.95  # of grey levels in 5x5 px blocks; confirms what the hash suggests
NEAR_MIN_SPREAD = 8  # grey levels, standard deviation; flatter patches are alike without being copies
