"""What several modules share, and what a user may choose, each with its unit and reason.

A number that one module alone needs stands at its top.
"""

PATCH_SIZE = 50  # px; the public IDC set is cut into 50x50 px patches
MIN_PATCH_SIDE = 25  # px; below half a patch, padding would invent more tissue than there is
MPP = 4.0  # um/px; 0.25 um/px (40x) reduced 16 times
CLASS_NAMES = ("benign", "malignant")  # index is the label

SYNTHETIC_MARKER = "SYNTHETIC.txt"  # at the top of a generated sample; it says that nothing there is evidence
WHITE_LEVEL = 200  # mean grey level (0-255) above which, with little contrast, a patch is near-white
WHITE_SPREAD = 12  # grey-level standard deviation below which a bright patch is empty; 0.4 % of IDC

SEED = 1
TEST_FRACTION = 0.2  # share of patches (by patient) that a grouped split tests on
VAL_FRACTION = 0.2  # share of patches (by patient) that choose epochs and thresholds

TARGET_RECALL = 0.95  # the recall of malignant patches that the operating threshold is chosen for
ABSTAIN_SHARES = (0.05, 0.1, 0.2, 0.3)  # of patches; what a bundle can be asked to leave to a person
BOOTSTRAP_SAMPLES = 1000  # resamples of patients; interval ends are stable to about 0.002
CONFIDENCE = 0.95
CALIBRATION_BINS = 15  # equal-width bins of expected calibration error (Guo et al. 2017)

MAX_ALARMS = 10  # foreign stains named on a screen or at the top of a report; the tables have all
MAX_EXPLAINED = 100  # patches drawn by `explain`; a page of them has some 20 MB

SAMPLE_PATIENTS = 24  # of the synthetic sample; enough to keep apart in three groups
SAMPLE_PATCHES_PER_PATIENT = 120  # of the synthetic sample; the sections draw in a few seconds
MAX_PER_PATIENT = 1000  # training patches; the mean of the public set, whose patients hold 63 to 2,395

AUDIT_PATCHES = 2000  # corrupted at each of 50 settings; the audit of a small CNN then takes two minutes
AUDIT_SEVERITY = 3  # of 5; the worst that a slide passed by a laboratory's own quality control shows

SLIDE_STRIDES = (50, 25, 10, 5)  # px between patches of a slide; whole blocks, and divisors of a patch
SLIDE_MAX_SECTION = 250_000_000  # px at the model's scale; a glass slide of 76x26 mm has half of it at 4 um/px
