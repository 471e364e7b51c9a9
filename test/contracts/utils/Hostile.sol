// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IServing} from "../../../contracts/interfaces/IServing.sol";
import {IServingFunds} from "../../../contracts/interfaces/IServingFunds.sol";
import {Ledger} from "./Network.sol";

/// A registered service that lies, burns gas and calls back.
contract Hostile is IServing, IServingFunds, IERC165 {
    enum Mood {
        Revert,
        BurnGas,
        LieHigh,
        CallBack,
        ReturnBomb,
        Silent
    }

    Mood public mood;
    Ledger private immutable _ledger;
    bool public collected;
    /// What the ledger answered to a call from within its own.
    bytes public answer;

    constructor(Ledger ledger_) payable {
        _ledger = ledger_;
    }

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id != 0xffffffff;
    }

    function accountExists(address, address) external pure returns (bool) {
        return false;
    }

    function getPendingRefund(address, address) external pure returns (uint256) {
        return 0;
    }

    function addAccount(address, address, string memory) external payable {
        if (mood == Mood.Silent) _misbehave();
    }

    function depositFund(address, address, uint256) external payable {}

    function onboard(address, address, address) external payable returns (bool) {
        return true;
    }

    function requestRefund(address, address, uint256) external {}

    function spendableOf(address, address) external pure returns (uint256) {
        return 0;
    }

    function balancesOf(address, address[] calldata) external view returns (uint256) {
        if (mood == Mood.LieHigh) return type(uint256).max;
        if (mood != Mood.CallBack) _misbehave();
        return 0;
    }

    function requestRefundAll(address, address) external view {
        _misbehave();
    }

    function processRefund(address user, address) external returns (uint256, uint256, uint256) {
        collected = true;
        if (mood == Mood.CallBack) {
            // Money that comes in any other way must not be credited twice.
            try _ledger.depositFundFor{value: 1}(user) {}
            catch (bytes memory reason) {
                answer = reason;
            }
            try _ledger.spendFund(user, 1 ether) {} catch {}
        }
        _misbehave();
        return (1 ether, 0, 0);
    }

    function deleteAccount(address, address) external view {
        _misbehave();
    }

    function _misbehave() private view {
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.Silent) {
            assembly {
                revert(0, 0)
            }
        }
        if (mood == Mood.BurnGas) while (true) {}
        if (mood == Mood.ReturnBomb) {
            assembly {
                return(0, 1000000)
            }
        }
    }
}
