import GestureLogic
import SwiftUI

/// Two apps in one: the screen, or with the argument `--benchmark` a benchmark that ends the process.
@main
struct GestureDemoApp: App {
    private let arguments = CommandLine.arguments

    var body: some Scene {
        WindowGroup {
            if BenchmarkPlan.isAsked(arguments) {
                BenchmarkScreen(arguments: arguments)
            } else {
                GestureScreen(model: GestureViewModel())
            }
        }
    }
}
