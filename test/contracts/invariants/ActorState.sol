// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {SignedTasks} from "../utils/SignedTasks.sol";

/// Who acts, what the actors remember of it, and what the invariants read.
abstract contract ActorState is SignedTasks {
    address[4] public users = [makeAddr("u0"), makeAddr("u1"), makeAddr("u2"), makeAddr("u3")];
    address[2] public providers = [makeAddr("p0"), makeAddr("p1")];

    /// What users put in and took out of the network.
    mapping(address user => uint256) public paidIn;
    mapping(address user => uint256) public paidOut;
    /// What enclaves and session keys signed away of a user to a provider, and what was earned of it.
    mapping(address user => mapping(address provider => uint256)) public signedAway;
    mapping(address user => mapping(address provider => uint256)) public earned;
    /// What lies in escrow for tasks of the user.
    mapping(address user => uint256) public inEscrow;

    /// The highest cumulative signed, and the highest that was ever seen settled.
    mapping(address user => mapping(address provider => uint256)) public owed;
    mapping(address user => mapping(address provider => uint256)) public highestSettled;

    /// Calls that reverted; Foundry records the logs of those too.
    uint256 public refused;

    uint256 internal _nonce;

    function setUp() public override {
        vm.warp(1_800_000_000);
        _deploy(address(0));
        for (uint256 i; i < providers.length; ++i) {
            _registerInference(providers[i], tee);
            _registerFineTuning(providers[i], tee);
        }
    }

    /* WHAT THE INVARIANTS READ */

    function ledgerOwes() external view returns (uint256 sum) {
        for (uint256 i; i < users.length; ++i) {
            sum += _availableOrZero(users[i]);
        }
    }

    function servingOwes(bool tuning) external view returns (uint256 sum) {
        for (uint256 i; i < users.length; ++i) {
            sum += lockedAt(tuning, users[i]);
        }
    }

    function stakesOwe() external view returns (uint256 sum) {
        for (uint256 i; i < providers.length; ++i) {
            sum += _stakeOf(true, providers[i]) + _stakeOf(false, providers[i]);
        }
    }

    function lockedAt(bool tuning, address user) public view returns (uint256) {
        address[] memory all = new address[](2);
        (all[0], all[1]) = (providers[0], providers[1]);
        return tuning ? fineTuning.balancesOf(user, all) : inference.balancesOf(user, all);
    }

    function totalOf(address user) external view returns (uint256) {
        try ledger.getLedger(user) returns (ILedgerManager.Ledger memory record) {
            return record.totalBalance;
        } catch {
            return 0;
        }
    }

    function pendingOf(address user, address who) external view returns (uint256 pending, uint256 balance) {
        if (!inference.accountExists(user, who)) return (0, 0);
        IInferenceTypes.Account memory account = inference.getAccount(user, who);
        return (account.pendingRefund, account.balance);
    }

    function availableOf(address user) external view returns (uint256) {
        return _availableOrZero(user);
    }

    function addresses() external view returns (address, address, address, address) {
        return (address(ledger), address(inference), address(fineTuning), address(stakes));
    }

    function earnedOf(address user) external view returns (uint256) {
        return earned[user][providers[0]] + earned[user][providers[1]];
    }

    function escrowed() external view returns (uint256 sum) {
        for (uint256 i; i < users.length; ++i) {
            sum += inEscrow[users[i]];
        }
    }

    function settledBy(address user, address who) external view returns (uint256) {
        return _settledBy(user, who);
    }

    function _settledBy(address user, address who) internal view returns (uint256 settled) {
        (settled,,,) = inference.settledOf(user, who);
    }

    /* INTERNALS */

    function _availableOrZero(address user) internal view returns (uint256) {
        try ledger.getLedger(user) returns (ILedgerManager.Ledger memory record) {
            return record.availableBalance;
        } catch {
            return 0;
        }
    }

    function _stakeOf(bool tuning, address who) internal view returns (uint256 amount) {
        (amount,) = stakes.stakeOf(tuning ? address(fineTuning) : address(inference), who);
    }

    function _user(uint256 seed) internal view returns (address) {
        return users[seed % users.length];
    }

    function _provider(uint256 seed) internal view returns (address) {
        return providers[seed % providers.length];
    }

    function _service(bool tuning) internal pure returns (string memory) {
        return tuning ? FINE_TUNING : INFERENCE;
    }
}
