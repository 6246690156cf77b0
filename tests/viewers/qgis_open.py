"""Open a GeoPackage in QGIS as a person does, say what is seen as JSON, and draw it.

Run by the system's Python, the one that holds QGIS:
qgis_open.py FILE.gpkg FOLDER PREFIX all|some [OTHER FILE…]
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsGeometry,
    QgsLayerTreeModel,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsPrintLayout,
    QgsProject,
    QgsProviderRegistry,
    QgsRectangle,
    QgsRenderContext,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSizeF
from qgis.PyQt.QtGui import QImage, QPainter, QTextDocument
from qgis.PyQt.QtXml import QDomDocument

TOWN_SCALE = 150_000


def main(path, folder, prefix, pictures, others):
    """Describe every layer of the file and draw the styles of those that have outlines.

    With `pictures` "some", only the first style, that it opens with, and the last. Of other
    files, said only as they open.
    """
    application = QgsApplication([], False)
    application.initQgis()
    warnings = []
    log = QgsApplication.messageLog()
    log.messageReceived.connect(lambda text, tag, level: warnings.append(f"{tag}: {text}"))
    listed = QgsProviderRegistry.instance().querySublayers(str(path))
    found = {"sublayers": [one.name() for one in listed], "layers": {}}
    for name in found["sublayers"]:
        layer = QgsVectorLayer(f"{path}|layername={name}", f"{prefix} — {name}", "ogr")
        found["layers"][name] = described(layer)
        if layer.isSpatial() and layer.isValid():
            bubble(
                found["layers"][name]["tips"][0]["html"], folder / f"qgis_{prefix}_{name}_bulle.png"
            )
            found["layers"][name]["styles"] = drawn(
                layer, folder, f"qgis_{prefix}_{name}", some=pictures == "some"
            )
    found["others"] = {
        other.name: described(QgsVectorLayer(str(other), other.stem, "ogr")) for other in others
    }
    found["warnings"] = warnings
    print(json.dumps(found, ensure_ascii=False), flush=True)
    os._exit(0)  # QGIS takes its objects down in an order of its own, and may crash at it


def described(layer):
    """What a layer is as it opens."""
    facts = {
        "valid": layer.isValid(),
        "features": layer.featureCount(),
        "aliases": {field.name(): layer.attributeAlias(place)
                    for place, field in enumerate(layer.fields())},
        "display": layer.displayExpression(),
        "hidden": [one.name for one in layer.attributeTableConfig().columns() if one.hidden],
        "tabs": [one.name() for one in layer.editFormConfig().tabs()],
    }  # fmt: skip
    if layer.isSpatial():
        facts |= {
            "renderer": layer.renderer().type(),
            "rules": rules(layer),
            "labels": layer.labelsEnabled(),
            "crs": layer.crs().authid(),
            "tips": [tip(layer, feature) for feature in layer.getFeatures()],
        }
    return facts


def tip(layer, feature):
    """Map tip of a place: its HTML, and its words."""
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(feature)
    text = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    document = QTextDocument()
    document.setHtml(text)
    return {"html": text, "text": document.toPlainText()}


def bubble(text, path):
    """Draw a map tip."""
    document = QTextDocument()
    document.setHtml(text)
    document.setTextWidth(340)
    image = QImage(360, int(document.size().height()) + 10, QImage.Format_RGB32)
    image.fill(0xFFFFFFE1)
    painter = QPainter(image)
    document.drawContents(painter)
    painter.end()
    image.save(str(path))


def drawn(layer, folder, name, some):
    """Each style of the file, applied in turn: its legend, the rows of each rule, its picture."""
    count, ids, names, _, _ = layer.listStylesInDatabase()
    styles = {}
    for place in range(count if count > 0 else 0):
        qml, _ = layer.getStyleFromDatabase(ids[place])
        document = QDomDocument()  # loadNamedStyle would take the default style of the file again
        document.setContent(qml)
        loaded, problem = layer.importNamedStyle(document)
        title = names[place]
        extent = layer.extent()
        if extent.isEmpty():
            extent = QgsRectangle(0, 0, 1, 1)
        if not some or place in (0, count - 1):
            picture(layer, extent, folder / f"{name}_{place}.png", title)
        styles[title] = {
            "loaded": loaded, "problem": problem, "rules": rules(layer),
            "legend": legend(layer), "alias": layer.attributeAlias(2),
            "display": layer.displayExpression(),
        }  # fmt: skip
        if place == 0:
            picture(layer, near(layer, extent), folder / f"{name}_{place}_pres.png", title)
    return styles


def rules(layer):
    """Label, filter and rows of each rule, as the renderer itself shares them out."""
    if layer.renderer().type() != "RuleRenderer":
        return []
    root = layer.renderer().rootRule().children()[0]
    context = QgsRenderContext()
    context.expressionContext().appendScopes(
        QgsExpressionContextUtils.globalProjectLayerScopes(layer)
    )
    found = [
        {"label": rule.label(), "filter": rule.filterExpression(), "rows": 0}
        for rule in root.children()
    ]
    renderer = layer.renderer().clone()
    renderer.startRender(context, layer.fields())
    keys = [rule.ruleKey() for rule in root.children()]
    for feature in layer.getFeatures(QgsFeatureRequest()):
        context.expressionContext().setFeature(feature)
        for key in renderer.legendKeysForFeature(feature, context):
            if key in keys:
                found[keys.index(key)]["rows"] += 1
    renderer.stopRender(context)
    return found


def legend(layer):
    """Words of the legend, as the tree of layers lists them."""
    QgsProject.instance().addMapLayer(layer, True)
    model = QgsLayerTreeModel(QgsProject.instance().layerTreeRoot())
    node = QgsProject.instance().layerTreeRoot().findLayer(layer)
    words = [one.data(0) for one in model.layerLegendNodes(node)]
    QgsProject.instance().takeMapLayer(layer)
    return words


def near(layer, extent):
    """A sheet at the scale of labels, on the place nearest to the middle of the layer."""
    half = TOWN_SCALE * 0.13
    half = half if layer.crs().mapUnits() == 0 else half / 111_000
    middle = QgsGeometry.fromPointXY(extent.center())
    shapes = [one.geometry() for one in layer.getFeatures() if one.hasGeometry()]
    nearest = min(shapes, key=middle.distance, default=middle)
    centre = nearest.pointOnSurface().asPoint()
    return QgsRectangle(centre.x() - half, centre.y() - half, centre.x() + half, centre.y() + half)


def picture(layer, extent, path, title):
    """A4 sheet with a title, the map and its legend."""
    project = QgsProject.instance()
    project.addMapLayer(layer, True)
    project.setCrs(layer.crs())
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    page = QgsLayoutItemMap(layout)
    page.setRect(0, 0, 184, 184)  # without a size, its scale would not be a number
    page.attemptMove(QgsLayoutPoint(8, 18))
    page.attemptResize(QgsLayoutSize(184, 184))
    page.setCrs(layer.crs())
    page.setLayers([layer])
    page.zoomToExtent(extent.buffered(extent.width() * 0.02))
    page.setFrameEnabled(True)
    layout.addLayoutItem(page)
    heading = QgsLayoutItemLabel(layout)
    heading.setText(f"{layer.name()} : {title}, 1:{page.scale():.0f}")
    heading.attemptMove(QgsLayoutPoint(8, 6))
    heading.attemptResize(QgsLayoutSize(270, 10))
    layout.addLayoutItem(heading)
    words = QgsLayoutItemLegend(layout)
    words.setLinkedMap(page)
    words.attemptMove(QgsLayoutPoint(196, 18))
    layout.addLayoutItem(words)
    words.adjustBoxSize()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 110
    settings.exportMetadata = settings.generateWorldFile = False
    settings.imageSize = QSizeF(1286, 909).toSize()
    done = QgsLayoutExporter(layout).exportToImage(str(path), settings)
    if done != QgsLayoutExporter.Success:
        raise SystemExit(f"{path}: {done}")
    project.takeMapLayer(layer)


if __name__ == "__main__":
    _, source, target, mark, which, *files = sys.argv
    main(Path(source).resolve(), Path(target).resolve(), mark, which, [Path(one) for one in files])
