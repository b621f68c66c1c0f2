// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "GestureCore",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "GestureCore", targets: ["GestureCore"]),
        .library(name: "GestureLogic", targets: ["GestureLogic"]),
    ],
    targets: [
        .target(name: "GestureCore"),
        .target(name: "GestureLogic", dependencies: ["GestureCore"]),
        .target(name: "GestureTestSupport", dependencies: ["GestureCore"], path: "Tests/GestureTestSupport"),
        .testTarget(name: "GestureCoreTests", dependencies: ["GestureCore", "GestureTestSupport"]),
        .testTarget(name: "GestureLogicTests", dependencies: ["GestureLogic", "GestureTestSupport"]),
    ]
)
