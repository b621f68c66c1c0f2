import GestureLogic
import SwiftUI

/// Two apps in one: the screen, or with the argument `--benchmark` a benchmark that ends the process.
@main
struct GestureDemoApp: App {
    private let launch = Launch(arguments: CommandLine.arguments)

    var body: some Scene {
        WindowGroup {
            switch launch {
            case .screen: GestureScreen(model: GestureViewModel())
            case .benchmark(let plan): BenchmarkScreen(plan: plan)
            case .wrong(let message): MessageView(text: message, symbol: "exclamationmark.triangle")
            }
        }
    }
}

/// What the launch arguments ask for.
private enum Launch {
    case screen
    case benchmark(BenchmarkPlan)
    case wrong(String)

    init(arguments: [String]) {
        do {
            self = try BenchmarkPlan(arguments: arguments).map(Launch.benchmark) ?? .screen
        } catch {
            print("sth-benchmark: failed benchmark \(error)")
            self = .wrong("\(error)")
        }
    }
}
