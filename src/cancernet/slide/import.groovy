/*
 * The map of one slide, for QuPath 0.5 or newer. Written by CancerNet; research use only.
 *
 * Open the slide, open this file in the script editor (Automate > Script editor), and run it. Running it again replaces
 * what it imported before, and nothing else.
 */
import java.nio.file.Files
import java.nio.file.Paths
import qupath.lib.common.ColorTools
import qupath.lib.images.servers.RotatedImageServer
import qupath.lib.io.PathIO

// What may be changed
double threshold = @@THRESHOLD@@      // a tile is Tumor from this probability on
boolean byProbability = true          // false: tiles in the colour of their class
boolean checkName = true              // false: import into an image of this size, whatever it is called
String folder = @@FOLDER@@  // of tiles.geojson and regions.geojson; asked for where they are not there

// What the files were made of
double madeWith = @@THRESHOLD@@
def names = @@NAMES@@  // of the slide's files
String image = names[0]
int width = @@WIDTH@@, height = @@HEIGHT@@

def server = getCurrentServer()
if (server == null)
    throw new IllegalStateException("CancerNet: open the slide " + image + " first")
if (server.getWidth() != width || server.getHeight() != height)
    throw new IllegalStateException("CancerNet: these files are of " + image + ", " + width + " x " + height +
        " px; the open image has " + server.getWidth() + " x " + server.getHeight())
if (server instanceof RotatedImageServer)
    throw new IllegalStateException("CancerNet: the image was rotated when it was added to the project; add it unrotated")
// Slides of one scanner often have one size: another name may be another patient's slide
def files = server.getURIs().collect { new File(it.getPath() ?: it.toString()).getName() }
def called = [server.getMetadata().getName()] + files
if (checkName && !called.any { open -> names.any { open == it || open?.startsWith(it + " - ") } })
    throw new IllegalStateException("CancerNet: these files are of " + image + "; the open image is " + called[0] +
        ". If it is the same slide under another name, set checkName = false at the top of this script")

def hasBoth = { place -> ["tiles.geojson", "regions.geojson"].every { Files.exists(Paths.get(place, it)) } }
if (!hasBoth(folder)) {
    def chosen = FileChoosers.promptForDirectory("Folder of tiles.geojson and regions.geojson of " + image, null)
    if (chosen == null || !hasBoth(chosen.getPath()))
        throw new IllegalStateException("CancerNet: no tiles.geojson and regions.geojson in " + (chosen ?: folder))
    folder = chosen.getPath()
}
def tilesFile = Paths.get(folder, "tiles.geojson")
def regionsFile = Paths.get(folder, "regions.geojson")

def objects = []
def tumor = getPathClass("Tumor")
def other = getPathClass("Other")
int malignant = 0, unjudged = 0
for (tile in PathIO.readObjects(tilesFile)) {
    double probability = tile.getMeasurementList().get("context_prob_malignant")
    if (Double.isNaN(probability)) {
        unjudged++      // Ignore*: its name says why; no threshold makes it benign
    } else {
        if (threshold != madeWith)  // else the file's classes stand: QuPath keeps numbers of tiles in 32 bits
            tile.setPathClass(probability >= threshold ? tumor : other)
        malignant += tile.getPathClass() == tumor ? 1 : 0
        if (byProbability)
            tile.setColor(colourOf(probability))
    }
    objects << tile
}
def regions = PathIO.readObjects(regionsFile)
if (threshold == madeWith)
    objects.addAll(regions)
else
    println "CancerNet: regions are outlined at " + madeWith + " and are left out at another threshold"

// By their identifiers, which depend on slide, scale, model, stride and place
def ids = (objects + regions).collect { it.getID() } as Set
def before = getCurrentHierarchy().getAllObjects(false).findAll { it.getID() in ids }
removeObjects(before, true)
addObjects(objects)
fireHierarchyUpdate()
println "CancerNet: " + malignant + " tiles are Tumor from " + threshold + " on, " + unjudged + " are not judged"

// Blue, grey, yellow, as in overlay.png (cividis, Nunez 2018): told apart by who is colour-blind, and in grey
Integer colourOf(double probability) {
    def stops = @@STOPS@@
    double place = Math.max(0, Math.min(1, probability)) * (stops.size() - 1)
    int low = (int) Math.min(Math.floor(place), stops.size() - 2)
    double share = place - low
    def mixed = (0..2).collect { (int) Math.round(stops[low][it] * (1 - share) + stops[low + 1][it] * share) }
    return ColorTools.packRGB(mixed[0], mixed[1], mixed[2])
}
